import type { SearchQuery } from '../schema/search-query.ts'
import type { Leaf } from '../search/matches.ts'
import type { SessionQuery } from './catalog.ts'
import { type Ask, between, equals } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { sessionFilters, treeFilter } from './elastic-query.ts'
import { sessionsWithText } from './elastic-session-sets.ts'
import { termFilter } from './elastic-terms.ts'
import { textIndex } from './elastic-texts.ts'

/**
 * A text of a session may stand in one of its rows, and Elasticsearch joins nothing: so the sessions whose
 * rows have it are asked for first, newest first, and only so many.
 */
export const maxJoined = 10_000

/** A session's place in the order of lists: newest start first, then by id. */
export type StartPlace = { startedAtMs: number; id: string }

/** `horizon`: sessions behind it were not looked at. */
export type Joined = { filters: object[]; horizon: StartPlace | null }

type Buckets = { sessions?: { buckets: { key: { startedAt: number; sessionId: string } }[] } }

const sources = [
  { startedAt: { terms: { field: 'startedAt', order: 'desc' } } },
  { sessionId: { terms: { field: 'sessionId', order: 'asc' } } },
]

const isBefore = (a: StartPlace, b: StartPlace): boolean =>
  a.startedAtMs === b.startedAtMs ? a.id < b.id : a.startedAtMs > b.startedAtMs

const keysIn = async (
  ask: Ask,
  index: string,
  filter: object[],
  after: StartPlace | null,
  limit: number,
): Promise<{ ids: string[]; horizon: StartPlace | null }> => {
  const composite = {
    size: limit,
    sources,
    ...(after && { after: { startedAt: after.startedAtMs, sessionId: after.id } }),
  }
  const answer = await ask.search(index, {
    size: 0,
    query: { bool: { filter } },
    aggs: { sessions: { composite } },
  })
  const keys = ((answer.aggregations as Buckets).sessions?.buckets ?? []).map(({ key }) => key)
  const last = keys.length === limit ? keys.at(-1)! : null
  return {
    ids: keys.map(({ sessionId }) => sessionId),
    horizon: last && { startedAtMs: last.startedAt, id: last.sessionId },
  }
}

const nearest = (horizons: readonly (StartPlace | null)[]): StartPlace | null =>
  horizons.reduce((first, one) => (first && one ? (isBefore(first, one) ? first : one) : (first ?? one)), null)

export type JoinPlace = { query: SessionQuery; after: StartPlace | null; limit: number }
type TextLeaf = Extract<Leaf, { is: 'text' }>

/** Where a text stands in rows of sessions; `horizon`: where a kind of rows was not looked through to its end. */
const joinText = async (
  ask: Ask,
  indices: CatalogIndices,
  { in: kind, ...term }: TextLeaf,
  { query, after, limit }: JoinPlace,
): Promise<{ filter: object; horizon: StartPlace | null }> => {
  const filter = termFilter(term)
  const rows = kind === null ? (['commands', 'screen'] as const) : ([kind] as const)
  const looked = rows.map(async (one) => {
    // Events do not know when their session began.
    if (one === 'events') return { ids: await sessionsWithText(ask, indices, one, term), horizon: null }
    const { user, bastion, to } = query
    const of = [...equals('user', user), ...equals('bastion', bastion), ...between('startedAt', undefined, to)]
    return keysIn(ask, textIndex(indices, one), [filter, ...of], after, limit)
  })
  const found = await Promise.all(looked)
  const should = [...(kind === null ? [filter] : []), ...found.map(({ ids }) => ({ terms: { id: ids } }))]
  return {
    filter: { bool: { should, minimum_should_match: 1 } },
    horizon: nearest(found.map(({ horizon }) => horizon)),
  }
}

/**
 * Sessions for which a query holds, behind a place. Up to the horizon every text was looked for in every session, so
 * that what is negated is right, too.
 */
export const joinQuery = async (
  ask: Ask,
  indices: CatalogIndices,
  tree: SearchQuery,
  place: JoinPlace,
): Promise<Joined> => {
  const horizons: (StartPlace | null)[] = []
  const leaves = await sessionFilters(ask, indices, tree, async (leaf) => {
    const { filter, horizon } = await joinText(ask, indices, leaf, place)
    horizons.push(horizon)
    return filter
  })
  return { filters: [treeFilter(tree, leaves)], horizon: nearest(horizons) }
}

/** Nothing behind it. */
export const upTo = (horizon: StartPlace | null): object[] => {
  if (horizon === null) return []
  const { startedAtMs, id } = horizon
  const together = { bool: { filter: [{ term: { startedAt: startedAtMs } }, { range: { id: { lte: id } } }] } }
  return [{ bool: { should: [{ range: { startedAt: { gt: startedAtMs } } }, together] } }]
}
