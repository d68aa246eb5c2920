import type { SessionQuery } from './catalog.ts'
import { type Ask, between, equals } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { wordFilters } from './elastic-terms.ts'

/**
 * A word of a session's text may stand in one of its commands, and Elasticsearch joins nothing: so the sessions whose
 * commands have the word are asked for first, newest first, and only so many.
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

const joinWord = async (
  ask: Ask,
  indices: CatalogIndices,
  query: SessionQuery,
  word: string,
  after: StartPlace | null,
  limit: number,
): Promise<Joined> => {
  const found = wordFilters([word])
  const { user, bastion, to } = query
  const filter = [
    ...found,
    ...equals('user', user),
    ...equals('bastion', bastion),
    ...between('startedAt', undefined, to),
  ]
  const composite = {
    size: limit,
    sources,
    ...(after && { after: { startedAt: after.startedAtMs, sessionId: after.id } }),
  }
  const answer = await ask.search(indices.commands, {
    size: 0,
    query: { bool: { filter } },
    aggs: { sessions: { composite } },
  })
  const keys = ((answer.aggregations as Buckets).sessions?.buckets ?? []).map(({ key }) => key)
  const last = keys.length === limit ? keys.at(-1)! : null
  const should = [...found, { terms: { id: keys.map(({ sessionId }) => sessionId) } }]
  return {
    filters: [{ bool: { should } }],
    horizon: last && { startedAtMs: last.startedAt, id: last.sessionId },
  }
}

/** Sessions in which every word stands, behind a place. */
export const joinWords = async (
  ask: Ask,
  indices: CatalogIndices,
  query: SessionQuery,
  words: readonly string[],
  after: StartPlace | null,
  limit: number,
): Promise<Joined> => {
  const joined = await Promise.all(words.map((word) => joinWord(ask, indices, query, word, after, limit)))
  const horizons = joined.flatMap(({ horizon }) => (horizon ? [horizon] : []))
  return {
    filters: joined.flatMap(({ filters }) => filters),
    horizon: horizons.reduce<StartPlace | null>(
      (nearest, one) => (nearest && isBefore(nearest, one) ? nearest : one),
      null,
    ),
  }
}

/** Nothing behind it. */
export const upTo = (horizon: StartPlace | null): object[] => {
  if (horizon === null) return []
  const { startedAtMs, id } = horizon
  const together = { bool: { filter: [{ term: { startedAt: startedAtMs } }, { range: { id: { lte: id } } }] } }
  return [{ bool: { should: [{ range: { startedAt: { gt: startedAtMs } } }, together] } }]
}
