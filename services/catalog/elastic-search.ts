import { type SearchKind, type SearchQuery, searchKinds, type TextTerm } from '../schema/search-query.ts'
import type { Command, List } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import { hitTree, isNever, shownTexts } from '../search/hit-tree.ts'
import { holds } from '../search/matches.ts'
import type { HitQuery, HitRows, SearchHit } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type Ask, between, type Hit, totalOf } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { type LeafFilters, rowFilters, treeFilter } from './elastic-query.ts'
import { newestFirst, Place } from './elastic-read-timed.ts'
import { rowText, type ScreenRow, textIndex } from './elastic-texts.ts'
import { folded } from './search-text.ts'
import { snippetOf } from './snippet.ts'
import { termPlace } from './text-term.ts'

type Row = {
  at: number
  sessionId?: string
  user?: string
  bastion: string
  row: string
}
const rowFields = ['at', 'sessionId', 'user', 'bastion', 'row']
type Found = { kind: SearchKind; source: Row; sort: (number | string)[] }

/** What one kind of rows is asked. `isExact`: not, where rows have to be looked at. */
type Part = { kind: SearchKind; tree: SearchQuery; leaves: LeafFilters; isExact: boolean; filter: object }
type Plan = { index: string; query: object; parts: Map<SearchKind, Part>; isExact: boolean; named: object[] }

const nameOf = (kind: SearchKind, place: number): string => `${kind}:${place}`

const partOf = async (
  ask: Ask,
  indices: CatalogIndices,
  query: SearchQuery,
  kind: SearchKind,
): Promise<Part | null> => {
  const tree = hitTree(query, kind)
  if (isNever(tree)) return null
  const leaves = await rowFilters(ask, indices, kind, tree)
  const isExact = [...leaves.values()].every((leaf) => leaf.isExact)
  // A pattern, since events are in an index for each month.
  const ofKind = { wildcard: { _index: { value: textIndex(indices, kind) } } }
  return { kind, tree, leaves, isExact, filter: { bool: { filter: [ofKind, treeFilter(tree, leaves)] } } }
}

/** Which leaves hold of a document that is found is said by their names. */
const namedLeaves = ({ kind, leaves, isExact }: Part): object[] =>
  isExact ? [] : [...leaves.values()].map(({ filter }, at) => ({ bool: { filter: [filter], _name: nameOf(kind, at) } }))

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
    parts: new Map(parts.map((part) => [part.kind, part])),
    isExact: parts.every(({ isExact }) => isExact),
    named: parts.flatMap(namedLeaves),
  }
}

const kindOf = (index: string, { commands, screenTexts }: CatalogIndices): SearchKind =>
  index === commands ? 'commands' : index === screenTexts ? 'screen' : 'events'

/** By what Elasticsearch said of the leaves, and where it cannot know by the text itself. */
const isHit = ({ kind, tree, leaves, isExact }: Part, row: string, said: readonly string[]): boolean => {
  if (isExact) return true
  const text = folded(rowText(kind, row))
  const all = [...leaves.keys()]
  return holds(tree, (leaf) => {
    if (leaf.is === 'text' && !leaves.get(leaf)!.isExact) return termPlace(leaf, text) !== null
    return said.includes(nameOf(kind, all.indexOf(leaf)))
  })
}

const hitOf = ({ kind, source }: Found, query: SearchQuery): SearchHit => {
  const { at, sessionId = null, user = null, bastion, row } = source
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

const checkedTogether = 1_000
const maxChecked = 10_000 // for a total

type Batch = { found: Found[]; count: number; seen: number; last: (number | string)[] | null }

const batchOf = async (
  ask: Ask,
  indices: CatalogIndices,
  { index, query, parts, isExact, named }: Plan,
  {
    size,
    after,
    source,
    counted,
  }: { size: number; after: (number | string)[] | null; source: string[]; counted: boolean },
): Promise<Batch> => {
  const asked = isExact ? query : { bool: { filter: [query], should: named } }
  const { hits, count } = await ask.search<Row>(index, {
    ...{ size, query: asked, sort: newestFirst, _source: source, counted },
    ...(after && { search_after: after }),
  })
  const found = hits
    .map((hit: Hit<Row>) => ({ hit, kind: kindOf(hit._index, indices) }))
    .filter(({ hit, kind }) => isExact || isHit(parts.get(kind)!, hit._source.row, hit.matched_queries ?? []))
    .map(({ hit: { _source, sort }, kind }) => ({ kind, source: _source, sort }))
  return { found, count, seen: hits.length, last: hits.at(-1)?.sort ?? null }
}

const newestOf = async (ask: Ask, indices: CatalogIndices, plan: Plan, limit: number) => {
  const source = rowFields.filter((field) => field !== 'row')
  const { found } = await batchOf(ask, indices, plan, { size: limit, after: null, source, counted: false })
  return { found, isAll: found.length < limit }
}

/** Looks at rows until there are enough, or no more. */
const checkedRows = async (
  ask: Ask,
  indices: CatalogIndices,
  plan: Plan,
  from: (number | string)[] | null,
  enough: (found: number, seen: number) => boolean,
): Promise<{ found: Found[]; isAll: boolean }> => {
  const found: Found[] = []
  let after = from
  for (let seen = 0; ; ) {
    const batch = await batchOf(ask, indices, plan, { size: checkedTogether, after, source: rowFields, counted: false })
    found.push(...batch.found)
    seen += batch.seen
    if (batch.seen < checkedTogether) return { found, isAll: true }
    if (enough(found.length, seen)) return { found, isAll: false }
    after = batch.last
  }
}

type Page = { found: Found[]; total: List<SearchHit>['total'] }

const pageOf = async (
  ask: Ask,
  indices: CatalogIndices,
  plan: Plan,
  place: Place | null,
  limit: number,
): Promise<Page> => {
  if (plan.isExact) {
    const batch = await batchOf(ask, indices, plan, { size: limit + 1, after: place, source: rowFields, counted: true })
    return { found: batch.found, total: totalOf(batch.count) }
  }
  const whole = await checkedRows(ask, indices, plan, null, (found, seen) => found > maxChecked || seen >= maxChecked)
  const total = totalOf(whole.found.length, whole.isAll)
  if (place === null && (whole.isAll || whole.found.length > limit)) return { found: whole.found, total }
  return { found: (await checkedRows(ask, indices, plan, place, (found) => found > limit)).found, total }
}

/** Newest first. */
export const search = async (ask: Ask, indices: CatalogIndices, query: HitQuery): Promise<List<SearchHit>> => {
  const place = decodeCursor('search', query, Place)
  const plan = await planOf(ask, indices, query)
  if (plan === null) return { items: [], next: null, total: totalOf(0) }
  const { found, total } = await pageOf(ask, indices, plan, place, query.limit)
  const items = found.slice(0, query.limit)
  const last = found.length > query.limit ? items.at(-1) : undefined
  return {
    items: items.map((one) => hitOf(one, query.query)),
    next: last ? encodeCursor('search', query, last.sort) : null,
    total,
  }
}

/** The newest hits, with nothing of what they show. */
export const readHitRows = async (
  ask: Ask,
  indices: CatalogIndices,
  query: Omit<HitQuery, 'cursor'>,
): Promise<HitRows> => {
  const plan = await planOf(ask, indices, query)
  if (plan === null) return { rows: [], isAll: true }
  const { found, isAll } = plan.isExact
    ? await newestOf(ask, indices, plan, query.limit)
    : await checkedRows(ask, indices, plan, null, (count) => count > query.limit)
  const rows = found.slice(0, query.limit).map(({ source: { at, sessionId = null, user = null, bastion } }) => ({
    ...{ atMs: at, sessionId, user, bastion },
  }))
  return { rows, isAll: isAll && found.length <= query.limit }
}
