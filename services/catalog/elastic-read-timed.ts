import { z } from 'zod'
import { BartizanError } from '../errors.ts'
import type { Command, List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { EventQuery, SearchHit, SearchQuery } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type Ask, between, equals, type Hit, isOneOf, totalOf } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { wordFilters } from './elastic-terms.ts'
import { commandText, eventText, wordsOf } from './search-text.ts'
import { snippetOf } from './snippet.ts'

/** The sort values of the last row of a page: what arrives later cannot come before it. */
const Place = z.tuple([z.int(), z.int()])
const newestFirst = [
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

const commandHit = ({ at, sessionId, user, bastion, row }: Timed, words: string[]): SearchHit => {
  const command = JSON.parse(row) as Command
  const where = { sessionId: sessionId ?? null, eventId: null, atMs: command.atMs, user: user ?? null, bastion }
  return { in: 'commands', at: new Date(at).toISOString(), ...where, ...snippetOf(commandText(command), words) }
}

const eventHit = ({ at, row }: Timed, words: string[]): SearchHit => {
  const event = JSON.parse(row) as SessionEvent
  const { id: eventId, sessionId = null, user = null, bastion } = event
  const atMs = event.kind === 'command' ? event.atMs : null
  const where = { sessionId, eventId, atMs, user, bastion }
  return { in: 'events', at: new Date(at).toISOString(), ...where, ...snippetOf(eventText(event), words) }
}

/** Newest first. @throws BTZ_CATALOG_QUERY without a word to look for */
export const search = async (ask: Ask, indices: CatalogIndices, query: SearchQuery): Promise<List<SearchHit>> => {
  const words = wordsOf(query.text)
  if (words.length === 0) throw new BartizanError('BTZ_CATALOG_QUERY', 'a search without a word')
  const where = [...new Set(query.in)].map((one) => indices[one])
  const filters = [...between('at', query.from, query.to), ...wordFilters(words)]
  const list = {
    name: 'search',
    index: where.join(','),
    filters,
    source: ['at', 'sessionId', 'user', 'bastion', 'row'],
  }
  const nothing = { items: [], next: null, total: totalOf(0) }
  if (where.length === 0) return nothing // no index named would be all indices
  return timedPage(ask, query, list, ({ _index, _source }) =>
    _index === indices.commands ? commandHit(_source, words) : eventHit(_source, words),
  )
}
