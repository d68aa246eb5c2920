import { addressKey } from '../address-key.ts'
import { BartizanError } from '../errors.ts'
import type { SearchKind, SearchQuery, TextTerm } from '../schema/search-query.ts'
import type { Answer, Ask } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { termFilter } from './elastic-terms.ts'
import { textIndex } from './elastic-texts.ts'

/** Elasticsearch joins nothing: ids of sessions that something is true of, asked for first, and only so many. */

const pageSize = 10_000
const maxIds = 60_000 // of those in one filter; Elasticsearch takes 65,536

const tooMany = (): BartizanError =>
  new BartizanError('BTZ_CATALOG_QUERY', `a part of the search is true of more than ${maxIds} sessions or rows`, {
    hint: 'narrow that part down: a rarer text, a smaller network, a shorter time',
  })

type IdHit = { sessionId?: string; sessionIds?: string[] }

/** Of all documents that the filter takes, by way of an order that tells each from all others. */
const idsOfDocuments = async (
  ask: Ask,
  index: string,
  filter: object[],
  sort: object[],
  idsOf: (source: IdHit, sort: (number | string)[]) => readonly string[],
  source: string[] | false = false,
): Promise<string[]> => {
  const ids = new Set<string>()
  let after: (number | string)[] | null = null
  for (let seen = 0; ; ) {
    const { hits }: Answer<IdHit> = await ask.search<IdHit>(index, {
      ...{ size: pageSize, query: { bool: { filter } }, sort, _source: source },
      ...(after === null ? {} : { search_after: after }),
    })
    for (const { _source, sort: place } of hits) for (const id of idsOf(_source ?? {}, place)) ids.add(id)
    seen += hits.length
    if (hits.length < pageSize) return [...ids]
    if (seen >= maxIds) throw tooMany()
    after = hits.at(-1)!.sort
  }
}

const byTime = [{ at: { order: 'desc', unmapped_type: 'date' } }, { tie: { order: 'desc', unmapped_type: 'long' } }]
const byId = [{ id: { order: 'asc', unmapped_type: 'keyword' } }]

export const sessionsWhere = (ask: Ask, { sessions }: CatalogIndices, filter: object[]): Promise<string[]> =>
  idsOfDocuments(ask, sessions, filter, byId, (_, [id]) => [String(id)])

/** Sessions in whose rows of this kind the text stands. */
export const sessionsWithText = (
  ask: Ask,
  indices: CatalogIndices,
  kind: SearchKind,
  term: TextTerm,
): Promise<string[]> => {
  const idsOf = ({ sessionId }: IdHit) => (sessionId === undefined ? [] : [sessionId])
  return idsOfDocuments(ask, textIndex(indices, kind), [termFilter(term)], byTime, idsOf, ['sessionId'])
}

export const sessionsThatHave = (ask: Ask, indices: CatalogIndices, what: 'alert' | 'transfer'): Promise<string[]> =>
  what === 'alert'
    ? idsOfDocuments(
        ask,
        indices.alerts,
        [{ term: { withdrawn: false } }],
        byTime,
        ({ sessionIds = [] }) => sessionIds,
        ['sessionIds'],
      )
    : idsOfDocuments(
        ask,
        indices.events,
        [{ term: { kind: 'file_transfer' } }, { exists: { field: 'sessionId' } }],
        byTime,
        ({ sessionId }) => (sessionId === undefined ? [] : [sessionId]),
        ['sessionId'],
      )

/** Addresses that are there and in the network, as they were written. */
export const addressesIn = async (
  ask: Ask,
  index: string,
  { from, to }: Extract<SearchQuery, { is: 'ip' }>,
): Promise<string[]> => {
  const all = await ask.termsOf(index, { field: 'sourceIp', prefix: '', limit: maxIds })
  return all.filter((address) => {
    const key = addressKey(address)
    return key !== null && key >= from && key <= to
  })
}
