import { z } from 'zod'
import { BartizanError } from '../errors.ts'
import type { Command, List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SearchHit, SearchQuery } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { wordsOf } from './search-text.ts'
import { snippetOf } from './snippet.ts'
import { KeyText } from './sqlite-read-events.ts'
import { timedPage } from './sqlite-read-timed.ts'
import { exactTotal, type Select, type Total } from './sqlite-select.ts'

type Kind = SearchHit['in']
/** Ordered by key, newest first; a command comes before an event of the same key. */
const Place = z.tuple([KeyText, z.enum(['commands', 'events'])])
type Place = z.infer<typeof Place>
type Found = { key: bigint; hit: SearchHit }
type CommandHit = { row: string; text: string; id: string; user: string; bastion: string; startedAtMs: number }

const belowFor = (kind: Kind, place: Place | null): bigint | null => {
  if (place === null) return null
  const [key, of] = place
  return kind === 'events' && of === 'commands' ? BigInt(key) + 1n : BigInt(key)
}

const foundCommand = (words: string[], found: CommandHit & { key: string }): Found => {
  const { atMs } = JSON.parse(found.row) as Command
  const { id, user, bastion, startedAtMs } = found
  const at = new Date(startedAtMs + atMs).toISOString()
  const where = { in: 'commands', sessionId: id, eventId: null, atMs, at, user, bastion } as const
  return { key: BigInt(found.key), hit: { ...where, ...snippetOf(found.text, words) } }
}

const foundEvent = (words: string[], found: { key: string; row: string; text: string }): Found => {
  const event = JSON.parse(found.row) as SessionEvent
  const { id: eventId, sessionId = null, user = null, bastion } = event
  const atMs = event.kind === 'command' ? event.atMs : null
  const at = new Date(event.at).toISOString()
  return {
    key: BigInt(found.key),
    hit: { in: 'events', sessionId, eventId, atMs, at, user, bastion, ...snippetOf(found.text, words) },
  }
}

const pageOf = (select: Select, query: SearchQuery, words: string[], kind: Kind, place: Place | null) => {
  const common = {
    words,
    conditions: [],
    from: query.from,
    to: query.to,
    below: belowFor(kind, place),
    limit: query.limit,
  }
  if (kind === 'events') {
    const page = timedPage<{ row: string; text: string }>(select, {
      ...common,
      table: 'event',
      columns: 'x.row, x.text',
    })
    return { ...page, rows: page.rows.map((row) => foundEvent(words, row)) }
  }
  const page = timedPage<CommandHit>(select, {
    ...common,
    table: 'command',
    columns: 'x.row, x.text, s.id, s.user, s.bastion, s.started_at_ms AS startedAtMs',
    join: 'JOIN session s ON s.number = x.session_number',
  })
  return { ...page, rows: page.rows.map((row) => foundCommand(words, row)) }
}

const sumOf = (totals: Total[]): Total => {
  const value = totals.reduce((sum, total) => sum + total.value, 0)
  const exact = value <= exactTotal && totals.every(({ relation }) => relation === 'eq')
  return { value: Math.min(value, exactTotal), relation: exact ? 'eq' : 'gte' }
}

const newestFirst = (a: Found, b: Found): number => {
  if (a.key !== b.key) return a.key > b.key ? -1 : 1
  return a.hit.in === b.hit.in ? 0 : a.hit.in === 'commands' ? -1 : 1
}

/** Newest first. @throws BTZ_CATALOG_QUERY without a word to look for */
export const search = (select: Select, query: SearchQuery): List<SearchHit> => {
  const place = decodeCursor('search', query, Place)
  const words = wordsOf(query.text)
  if (words.length === 0) throw new BartizanError('BTZ_CATALOG_QUERY', 'a search without a word')
  const kinds = [...new Set(query.in)]
  const pages = kinds.map((kind) => pageOf(select, query, words, kind, place))
  const found = pages.flatMap(({ rows }) => rows)
  const items = found.sort(newestFirst).slice(0, query.limit)
  const more = found.length > items.length || pages.some((page) => page.more)
  const last = items.at(-1)
  const next: Place | null = more && last ? [`${last.key}`, last.hit.in] : null
  return {
    items: items.map(({ hit }) => hit),
    next: next && encodeCursor('search', query, next),
    total: sumOf(pages.map(({ total }) => total)),
  }
}
