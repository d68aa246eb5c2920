import { z } from 'zod'
import { type SearchKind, searchKinds, type TextTerm } from '../schema/search-query.ts'
import type { Command, List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import { shownTexts } from '../search/hit-tree.ts'
import type { HitQuery, SearchHit } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { snippetOf } from './snippet.ts'
import { KeyText } from './sqlite-read-events.ts'
import { timedPage } from './sqlite-read-timed.ts'
import { timedQuery } from './sqlite-search-plan.ts'
import { exactTotal, type Select, totalOf } from './sqlite-select.ts'

/** Ordered by key, newest first; of the same key in the order of the kinds. */
const Place = z.tuple([KeyText, z.enum(searchKinds)])
type Place = z.infer<typeof Place>
type Found = { key: bigint; hit: SearchHit }
type Owned = { key: string; text: string; id: string; user: string; bastion: string }
type CommandRow = Owned & { row: string; startedAtMs: number }
type ScreenRow = Owned & { atMs: number; startedAtMs: number }
type EventRow = { key: string; row: string; text: string }

const rank = (kind: SearchKind): number => searchKinds.indexOf(kind)

const belowFor = (kind: SearchKind, place: Place | null): bigint | null => {
  if (place === null) return null
  const [key, of] = place
  return rank(kind) > rank(of) ? BigInt(key) + 1n : BigInt(key)
}

const inSession = (kind: SearchKind, { id, user, bastion }: Owned, startedAtMs: number, atMs: number) => ({
  ...{ in: kind, sessionId: id, eventId: null, atMs, user, bastion },
  at: new Date(Math.trunc(startedAtMs + atMs)).toISOString(),
})

const commandHit = (found: CommandRow, terms: TextTerm[]): SearchHit => {
  const { atMs } = JSON.parse(found.row) as Command
  return { ...inSession('commands', found, found.startedAtMs, atMs), ...snippetOf(found.text, terms) }
}
const screenHit = (found: ScreenRow, terms: TextTerm[]): SearchHit => ({
  ...inSession('screen', found, found.startedAtMs, found.atMs),
  ...snippetOf(found.text, terms),
})
const eventHit = (found: EventRow, terms: TextTerm[]): SearchHit => {
  const event = JSON.parse(found.row) as SessionEvent
  const { id: eventId, sessionId = null, user = null, bastion } = event
  const atMs = event.kind === 'command' ? event.atMs : null
  const at = new Date(event.at).toISOString()
  return { in: 'events', sessionId, eventId, atMs, at, user, bastion, ...snippetOf(found.text, terms) }
}

const kinds = {
  commands: {
    columns: 'x.row, x.text, s.id, s.user, s.bastion, s.started_at_ms AS startedAtMs',
    hitOf: (found: object, terms: TextTerm[]) => commandHit(found as CommandRow, terms),
  },
  screen: {
    columns: 'x.at_ms AS atMs, x.text, v.session_id AS id, v.user, v.bastion, v.started_at_ms AS startedAtMs',
    hitOf: (found: object, terms: TextTerm[]) => screenHit(found as ScreenRow, terms),
  },
  events: {
    columns: 'x.row, x.text',
    hitOf: (found: object, terms: TextTerm[]) => eventHit(found as EventRow, terms),
  },
} as const

type KindPage = { rows: Found[]; more: boolean; count: number }

const pageOf = (
  select: Select,
  query: HitQuery,
  kind: SearchKind,
  place: Place | null,
  countUpTo: number,
): KindPage => {
  const { columns, hitOf } = kinds[kind]
  const timed = timedQuery(select, query, kind, columns)
  if (timed === null) return { rows: [], more: false, count: 0 }
  const page = timedPage<object>(select, { ...timed, below: belowFor(kind, place), limit: query.limit, countUpTo })
  const terms = shownTexts(query.query, kind)
  return { ...page, rows: page.rows.map((row) => ({ key: BigInt(row.key), hit: hitOf(row, terms) })) }
}

const newestFirst = (a: Found, b: Found): number => {
  if (a.key !== b.key) return a.key > b.key ? -1 : 1
  return rank(a.hit.in) - rank(b.hit.in)
}

/** Newest first. */
export const search = (select: Select, query: HitQuery): List<SearchHit> => {
  const place = decodeCursor('search', query, Place)
  const pages: KindPage[] = []
  let count = 0
  for (const kind of new Set(query.in)) {
    const page = pageOf(select, query, kind, place, Math.max(0, exactTotal + 1 - count))
    pages.push(page)
    count += page.count
  }
  const found = pages.flatMap(({ rows }) => rows)
  const items = found.sort(newestFirst).slice(0, query.limit)
  const more = found.length > items.length || pages.some((page) => page.more)
  const last = items.at(-1)
  const next: Place | null = more && last ? [`${last.key}`, last.hit.in] : null
  return {
    items: items.map(({ hit }) => hit),
    next: next && encodeCursor('search', query, next),
    total: totalOf(count),
  }
}
