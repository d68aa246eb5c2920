import { setTimeout as sleep } from 'node:timers/promises'
import type { Elastic, ElasticRequest } from '../elastic/elastic-client.ts'
import { type DocumentAt, getDocuments } from '../elastic/elastic-get.ts'
import { BartizanError, hasCode } from '../errors.ts'

/** Totals are exact up to here. */
const exactTotal = 10_000
export type Total = { value: number; relation: 'eq' | 'gte' }
export const totalOf = (count: number, complete = true): Total =>
  count > exactTotal ? { value: exactTotal, relation: 'gte' } : { value: count, relation: complete ? 'eq' : 'gte' }

export type Search = {
  size: number
  query: object
  sort?: object[]
  search_after?: (number | string)[]
  _source?: string[] | { excludes: string[] } | false
  /** Values of documents without their sources: those are not even opened. */
  stored_fields?: '_none_'
  docvalue_fields?: string[]
  /** With where each document stands, for a write that is refused where somebody else wrote in between. */
  seq_no_primary_term?: true
  version?: true
  aggs?: object
  /** Counted, up to one more than the exact total; else not at all. */
  counted?: boolean
}
export type Hit<Source> = {
  _index: string
  _id: string
  _source: Source
  fields?: Record<string, string[]>
  _seq_no?: number
  _primary_term?: number
  _version?: number
  sort: (number | string)[]
}
export type Answer<Source> = { hits: Hit<Source>[]; count: number; aggregations: Record<string, unknown> }

type RawAnswer<Source> = {
  hits?: { total?: { value: number }; hits?: Hit<Source>[] }
  aggregations?: Record<string, unknown>
  error?: { type?: string }
}

// A list that leaves out what one shard holds would be wrong without saying so.
const complete = { ignore_unavailable: true, allow_no_indices: true, allow_partial_search_results: false }

const bodyOf = ({ counted = false, ...search }: Search): object => ({
  ...search,
  track_total_hits: counted ? exactTotal + 1 : false,
})
const answerOf = <Source>({ hits, aggregations = {}, error }: RawAnswer<Source>): Answer<Source> => {
  if (error)
    throw new BartizanError('BTZ_UNAVAILABLE', `Elasticsearch cannot answer a search now: ${error.type ?? 'unknown'}`)
  return { hits: hits?.hits ?? [], count: hits?.total?.value ?? 0, aggregations }
}

const startingMs = 4_000
const startingErrors = /search_phase_execution|no_shard_available/
const retryMs = 50
const termsTogether = 10_000

/** The shards of an index that was made a moment ago cannot be searched or read yet: Elasticsearch says so at once, and soon no more. */
const whenStarted = async <T>(endMs: number, act: () => Promise<T>): Promise<T> => {
  const giveUpMs = Math.min(endMs, performance.now() + startingMs)
  for (;;) {
    try {
      return await act()
    } catch (error) {
      const isStarting = hasCode(error, 'BTZ_UNAVAILABLE') && startingErrors.test((error as Error).message)
      if (!isStarting || performance.now() + retryMs > giveUpMs) throw error
      await sleep(retryMs)
    }
  }
}

/** What one query asks, within the time it has from now on. Each @throws BTZ_CATALOG_TIMEOUT BTZ_UNAVAILABLE */
export const createAsk = (elastic: Elastic, allowedMs: number) => {
  const endMs = performance.now() + allowedMs
  const limits = () => ({
    timeoutMs: Math.max(1, Math.ceil(endMs - performance.now())),
    onTimeout: 'BTZ_CATALOG_TIMEOUT' as const,
  })
  const post = async <Body>(path: string, more: Pick<ElasticRequest, 'body' | 'ndjson' | 'query'>): Promise<Body> =>
    (await elastic.request<Body>({ method: 'POST', path, ...more, ...limits() })).body

  /** Values of a keyword that begin so, sorted; one page of them. */
  const termsPage = async (index: string, body: object): Promise<string[]> => {
    const { terms, complete: isComplete } = await post<{ terms: string[]; complete: boolean }>(
      `/${index}/_terms_enum`,
      { body },
    )
    if (!isComplete) throw new BartizanError('BTZ_UNAVAILABLE', 'Elasticsearch cannot list all values now')
    return terms
  }

  return {
    /** Values of a keyword that begin so, sorted, at most so many. */
    termsOf: (index: string, { field, prefix, limit }: { field: string; prefix: string; limit: number }) =>
      whenStarted(endMs, async () => {
        const terms: string[] = []
        for (;;) {
          const size = Math.min(termsTogether, limit - terms.length)
          if (size <= 0) return terms
          const after = terms.at(-1)
          const timeout = `${limits().timeoutMs}ms`
          const more = { field, string: prefix, size, timeout, ...(after !== undefined && { search_after: after }) }
          const found = await termsPage(index, more)
          terms.push(...found)
          if (found.length < size) return terms
        }
      }),

    search: <Source>(index: string, search: Search): Promise<Answer<Source>> =>
      whenStarted(endMs, async () =>
        answerOf(await post<RawAnswer<Source>>(`/${index}/_search`, { query: complete, body: bodyOf(search) })),
      ),

    /** Several at once, of one index. */
    searchAll: <Source>(index: string, searches: readonly Search[]): Promise<Answer<Source>[]> => {
      const header = JSON.stringify({ index, ...complete })
      const ndjson = searches.map((search) => `${header}\n${JSON.stringify(bodyOf(search))}\n`).join('')
      return whenStarted(endMs, async () => {
        const { responses } = await post<{ responses: RawAnswer<Source>[] }>('/_msearch', { ndjson })
        return responses.map(answerOf)
      })
    },

    get: <Source>(docs: DocumentAt[]): Promise<(Source | null)[]> =>
      docs.length === 0 ? Promise.resolve([]) : whenStarted(endMs, () => getDocuments<Source>(elastic, docs, limits())),
  }
}
export type Ask = ReturnType<typeof createAsk>

/** `field` is this value, or nothing to check where no value is asked for. */
export const equals = (field: string, value: string | undefined): object[] =>
  value === undefined ? [] : [{ term: { [field]: value.toWellFormed() } }]

/** `field` is one of these, or nothing to check where none are asked for. */
export const isOneOf = (field: string, values: readonly string[] | undefined): object[] =>
  values ? [{ terms: { [field]: values } }] : []

export const between = (field: string, from: Date | undefined, to: Date | undefined): object[] =>
  from || to ? [{ range: { [field]: { ...(from && { gte: from.getTime() }), ...(to && { lte: to.getTime() }) } } }] : []
