import { z } from 'zod'
import type { List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { EventQuery } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { wordsOf } from './search-text.ts'
import { timedPage } from './sqlite-read-timed.ts'
import { equals, isOneOf, type Select, totalOf } from './sqlite-select.ts'
import { textMatch } from './sqlite-text-match.ts'

export const KeyText = z.string().regex(/^-?[0-9]{1,19}$/)

/** Newest first. */
export const readEvents = (select: Select, query: EventQuery): List<SessionEvent> => {
  const place = decodeCursor('events', query, KeyText)
  const { kinds, sessionId, user, bastion, sourceIp, target, outcome, from, to, limit } = query
  const match = textMatch(select, 'event', wordsOf(query.text ?? ''))
  const page = timedPage<{ row: string }>(select, {
    table: 'event',
    columns: 'x.row',
    match: match?.query ?? null,
    conditions: [
      ...isOneOf('x.kind', kinds),
      ...equals('x.session_id', sessionId),
      ...equals('x.user', user),
      ...equals('x.bastion', bastion),
      ...equals('x.source_ip', sourceIp),
      ...equals('x.target', target),
      ...equals('x.outcome', outcome),
      ...(match?.exactly('x.text') ?? []),
    ],
    from,
    to,
    below: place === null ? null : BigInt(place),
    limit,
  })
  return {
    items: page.rows.map(({ row }) => JSON.parse(row) as SessionEvent),
    next: page.more ? encodeCursor('events', query, page.rows.at(-1)!.key) : null,
    total: totalOf(page.count),
  }
}
