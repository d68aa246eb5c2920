import { type SearchKind, type SearchQuery, searchKinds, type TextTerm } from '../schema/search-query.ts'
import type { Command, List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import { hitTree, isNever, shownTexts } from '../search/hit-tree.ts'
import { type HitQuery, type HitRow, type HitRows, maxHitRows, type SearchHit } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type Ask, between, type Hit, totalOf } from './elastic-ask.ts'
import { type CatalogIndices, toldFields } from './elastic-mappings.ts'
import { rowFilters, treeFilter } from './elastic-query.ts'
import { newestFirst, Place } from './elastic-read-timed.ts'
import { rowText, type ScreenRow, textIndex } from './elastic-texts.ts'
import { snippetOf } from './snippet.ts'

type Row = {
  at: number
  sessionId?: string
  user?: string
  bastion: string
  row: string
}
const rowFields = ['at', 'sessionId', 'user', 'bastion', 'row']
type Plan = { index: string; query: object }

const partOf = async (ask: Ask, indices: CatalogIndices, query: SearchQuery, kind: SearchKind) => {
  const tree = hitTree(query, kind)
  if (isNever(tree)) return null
  const leaves = await rowFilters(ask, indices, kind, tree)
  // A pattern, since events are in an index for each month.
  const ofKind = { wildcard: { _index: { value: textIndex(indices, kind) } } }
  return { kind, filter: { bool: { filter: [ofKind, treeFilter(tree, leaves)] } } }
}

const planOf = async (
  ask: Ask,
  indices: CatalogIndices,
  query: Omit<HitQuery, 'limit' | 'cursor'>,
): Promise<Plan | null> => {
  const kinds = searchKinds.filter((kind) => query.in.includes(kind))
  const found = await Promise.all(kinds.map((kind) => partOf(ask, indices, query.query, kind)))
  const parts = found.filter((part) => part !== null)
  if (parts.length === 0) return null // no index named would be all indices
  const filter = [
    ...between('at', query.from, query.to),
    ...(query.sessionId === undefined ? [] : [{ term: { sessionId: query.sessionId.toWellFormed() } }]),
    { bool: { should: parts.map((part) => part.filter), minimum_should_match: 1 } },
  ]
  return {
    index: parts.map(({ kind }) => textIndex(indices, kind)).join(','),
    query: { bool: { filter } },
  }
}

const kindOf = (index: string, { commands, screenTexts }: CatalogIndices): SearchKind =>
  index === commands ? 'commands' : index === screenTexts ? 'screen' : 'events'

const hitOf = ({ _index, _source }: Hit<Row>, query: SearchQuery, indices: CatalogIndices): SearchHit => {
  const { at, sessionId = null, user = null, bastion, row } = _source
  const kind = kindOf(_index, indices)
  const snippet = snippetOf(rowText(kind, row), shownTexts(query, kind) satisfies TextTerm[])
  const common = { in: kind, sessionId, user, bastion, at: new Date(at).toISOString() }
  if (kind === 'events') {
    const event = JSON.parse(row) as SessionEvent
    const atMs = event.kind === 'command' ? event.atMs : null
    return { ...common, at: new Date(event.at).toISOString(), eventId: event.id, atMs, ...snippet }
  }
  const { atMs } = JSON.parse(row) as Command | ScreenRow
  return { ...common, eventId: null, atMs, ...snippet }
}

/** Newest first. */
export const search = async (ask: Ask, indices: CatalogIndices, query: HitQuery): Promise<List<SearchHit>> => {
  const place = decodeCursor('search', query, Place)
  const plan = await planOf(ask, indices, query)
  if (plan === null) return { items: [], next: null, total: totalOf(0) }
  const { hits, count } = await ask.search<Row>(plan.index, {
    ...{ size: query.limit + 1, query: plan.query, sort: newestFirst, _source: rowFields, counted: true },
    ...(place && { search_after: place }),
  })
  const items = hits.slice(0, query.limit)
  const last = hits.length > query.limit ? items.at(-1) : undefined
  return {
    items: items.map((hit) => hitOf(hit, query.query, indices)),
    next: last ? encodeCursor('search', query, last.sort) : null,
    total: totalOf(count),
  }
}

const toldRow = ({ sort: [at], fields = {} }: Hit<unknown>): HitRow => ({
  atMs: Number(at),
  sessionId: fields[toldFields.sessionId]?.[0] ?? null,
  user: fields[toldFields.user]?.[0] ?? null,
  bastion: fields[toldFields.bastion]?.[0] ?? '',
})

/** The newest hits, with nothing of what they show. */
export const readHitRows = async (
  ask: Ask,
  indices: CatalogIndices,
  query: Omit<HitQuery, 'cursor'>,
): Promise<HitRows> => {
  const plan = await planOf(ask, indices, query)
  if (plan === null) return { rows: [], isAll: true }
  const size = Math.min(query.limit + 1, maxHitRows) // as many as Elasticsearch gives at once
  const { hits } = await ask.search(plan.index, {
    ...{ size, query: plan.query, sort: newestFirst, _source: false },
    ...{ stored_fields: '_none_', docvalue_fields: Object.values(toldFields) },
  })
  return { rows: hits.slice(0, query.limit).map(toldRow), isAll: hits.length < size }
}
