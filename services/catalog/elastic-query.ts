import type { NameMatch, SearchKind, SearchQuery } from '../schema/search-query.ts'
import { isOwnText } from '../search/hit-tree.ts'
import type { Leaf } from '../search/matches.ts'
import type { Ask } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { addressesIn, sessionsThatHave, sessionsWhere, sessionsWithText } from './elastic-session-sets.ts'
import { termFilter } from './elastic-terms.ts'

/** A query as a filter of Elasticsearch, each of its leaves asked for first where documents do not tell. */

export type LeafFilters = ReadonlyMap<Leaf, object>

const leavesOf = (query: SearchQuery): Leaf[] => {
  if (query.is === 'all' || query.is === 'any') return query.of.flatMap(leavesOf)
  return query.is === 'not' ? leavesOf(query.of) : [query]
}

const nothing = { match_none: {} }
const oneOf = (field: string, values: readonly string[]): object => ({ terms: { [field]: values } })

/** Every document for which the query holds, and no other. */
export const treeFilter = (query: SearchQuery, leaves: LeafFilters): object => {
  if (query.is === 'all') return { bool: { filter: query.of.map((one) => treeFilter(one, leaves)) } }
  if (query.is === 'any')
    return query.of.length === 0
      ? nothing
      : { bool: { should: query.of.map((one) => treeFilter(one, leaves)), minimum_should_match: 1 } }
  return query.is === 'not' ? { bool: { must_not: [treeFilter(query.of, leaves)] } } : leaves.get(query)!
}

const named = (field: string, { value, isPrefix }: NameMatch): object =>
  isPrefix ? (value === '' ? { exists: { field } } : { prefix: { [field]: value } }) : { term: { [field]: value } }

const either = (...should: object[]): object => ({ bool: { should, minimum_should_match: 1 } })

const lasting = (leaf: Extract<Leaf, { is: 'longer' | 'shorter' }>): object => {
  const { thanMs, orEqual, nowMs } = leaf
  const sinceMs = nowMs - thanMs
  const isLonger = leaf.is === 'longer'
  const operator = `${isLonger ? 'gt' : 'lt'}${orEqual ? 'e' : ''}`
  const since = `${isLonger ? 'lt' : 'gt'}${orEqual ? 'e' : ''}`
  return either(
    { range: { lastedMs: { [operator]: thanMs } } },
    {
      bool: { filter: [{ range: { startedAt: { [since]: sinceMs } } }], must_not: [{ exists: { field: 'endedAt' } }] },
    },
  )
}

/** What a session's own document tells; null: it does not. */
const sessionField = async (ask: Ask, { sessions }: CatalogIndices, leaf: Leaf): Promise<object | null> => {
  if (leaf.is === 'session') return named('id', leaf)
  if (leaf.is === 'user' || leaf.is === 'bastion') return named(leaf.is, leaf)
  if (leaf.is === 'host') return either(named('target', leaf), named('bastion', leaf))
  if (leaf.is === 'ip') return { terms: { sourceIp: await addressesIn(ask, sessions, leaf) } }
  if (leaf.is === 'state') return { term: { state: leaf.state } }
  return leaf.is === 'longer' || leaf.is === 'shorter' ? lasting(leaf) : null
}

/** Of documents that have the id of their session in `sessionId`. */
const rowLeaf = async (ask: Ask, indices: CatalogIndices, kind: SearchKind, leaf: Leaf): Promise<object> => {
  if (leaf.is === 'text')
    return isOwnText(leaf, kind)
      ? termFilter(leaf)
      : oneOf('sessionId', await sessionsWithText(ask, indices, leaf.in!, leaf))
  if (leaf.is === 'after') return { range: { at: { gte: leaf.atMs } } }
  if (leaf.is === 'before') return { range: { at: { lt: leaf.atMs } } }
  if (leaf.is === 'has') return oneOf('sessionId', await sessionsThatHave(ask, indices, leaf.what))
  if (leaf.is === 'session') return named('sessionId', leaf)
  if (leaf.is === 'user' || leaf.is === 'bastion') return named(leaf.is, leaf)
  if (kind === 'events' && leaf.is === 'host') return either(named('target', leaf), named('bastion', leaf))
  if (kind === 'events' && leaf.is === 'ip') return oneOf('sourceIp', await addressesIn(ask, indices.events, leaf))
  const filter = await sessionField(ask, indices, leaf)
  return oneOf('sessionId', await sessionsWhere(ask, indices, [filter!]))
}

const filtersOf = async (leaves: readonly Leaf[], filterOf: (leaf: Leaf) => Promise<object>) =>
  new Map(await Promise.all(leaves.map(async (leaf) => [leaf, await filterOf(leaf)] as const)))

/** @param query of hitTree for this kind @throws BTZ_CATALOG_QUERY a leaf is true of too many sessions */
export const rowFilters = (ask: Ask, indices: CatalogIndices, kind: SearchKind, query: SearchQuery) =>
  filtersOf(leavesOf(query), (leaf) => rowLeaf(ask, indices, kind, leaf))

/** `textOf`: of a text, where it stands in a session. Times: while it lasted. */
export const sessionFilters = (
  ask: Ask,
  indices: CatalogIndices,
  query: SearchQuery,
  textOf: (leaf: Extract<Leaf, { is: 'text' }>) => Promise<object>,
): Promise<LeafFilters> =>
  filtersOf(leavesOf(query), async (leaf) => {
    if (leaf.is === 'text') return textOf(leaf)
    if (leaf.is === 'has') return oneOf('id', await sessionsThatHave(ask, indices, leaf.what))
    if (leaf.is === 'before') return { range: { startedAt: { lt: leaf.atMs } } }
    if (leaf.is !== 'after') return (await sessionField(ask, indices, leaf))!
    const isOpen = { bool: { must_not: [{ exists: { field: 'endedAt' } }] } }
    return either(isOpen, { range: { endedAt: { gte: leaf.atMs } } })
  })
