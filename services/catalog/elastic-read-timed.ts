import { z } from 'zod'
import type { List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { EventQuery } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type Ask, between, equals, type Hit, isOneOf, totalOf } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { wordFilters } from './elastic-terms.ts'
import { wordsOf } from './search-text.ts'

/** The sort values of the last row of a page: what arrives later cannot come before it. */
export const Place = z.tuple([z.int(), z.int()])
export type Place = z.infer<typeof Place>
export const newestFirst = [
  { at: { order: 'desc', unmapped_type: 'date' } },
  { tie: { order: 'desc', unmapped_type: 'long' } },
]

type Timed = { at: number; sessionId?: string; user?: string; bastion: string; row: string }
type TimedList = { name: string; index: string; filters: object[]; source: string[] }

export const timedPage = async <Item>(
  ask: Ask,
  query: { limit: number; cursor?: string },
  { name, index, filters, source }: TimedList,
  itemOf: (hit: Hit<Timed>) => Item,
): Promise<List<Item>> => {
  const place = decodeCursor(name, query, Place)
  const page = { size: query.limit + 1, sort: newestFirst, _source: source, ...(place && { search_after: place }) }
  const { hits, count } = await ask.search<Timed>(index, {
    ...page,
    query: { bool: { filter: filters } },
    counted: true,
  })
  const last = hits.length > query.limit ? hits[query.limit - 1] : undefined
  return {
    items: hits.slice(0, query.limit).map(itemOf),
    next: last ? encodeCursor(name, query, last.sort) : null,
    total: totalOf(count),
  }
}

/** Newest first. */
export const readEvents = (ask: Ask, indices: CatalogIndices, query: EventQuery): Promise<List<SessionEvent>> => {
  const { kinds, sessionId, user, bastion, sourceIp, target, outcome, from, to, text = '' } = query
  const filters = [
    ...isOneOf('kind', kinds),
    ...equals('sessionId', sessionId),
    ...equals('user', user),
    ...equals('bastion', bastion),
    ...equals('sourceIp', sourceIp),
    ...equals('target', target),
    ...equals('outcome', outcome),
    ...between('at', from, to),
    ...wordFilters(wordsOf(text)),
  ]
  const list = { name: 'events', index: indices.events, filters, source: ['row'] }
  return timedPage(ask, query, list, ({ _source }) => JSON.parse(_source.row) as SessionEvent)
}
