import { BartizanError } from '../errors.ts'
import type { Elastic } from './elastic-client.ts'

export type DocumentAt = { _index: string; _id: string; _source?: string[] | false }
/** `seqNo`, `term`: a write that names them is done only if nobody else wrote in between. */
export type Standing<Source> = { source: Source; seqNo: number; term: number }
type Found<Source> = {
  found?: boolean
  _source?: Source
  _seq_no?: number
  _primary_term?: number
  error?: { type: string }
}
type Limits = { timeoutMs?: number; onTimeout?: 'BTZ_CATALOG_TIMEOUT' }

/**
 * Documents by id, with where they stand: what was acknowledged is there at once, unlike in a search. Null: there is none.
 * @throws BTZ_UNAVAILABLE also where one shard does not answer: that it has no document is not known then
 */
export const getStanding = async <Source>(
  elastic: Elastic,
  docs: readonly DocumentAt[],
  limits: Limits = {},
): Promise<(Standing<Source> | null)[]> => {
  const { body } = await elastic.request<{ docs: Found<Source>[] }>({
    method: 'POST',
    path: '/_mget',
    body: { docs },
    ...limits,
  })
  return body.docs.map(({ found, _source, _seq_no = 0, _primary_term = 0, error }) => {
    if (error && error.type !== 'index_not_found_exception')
      throw new BartizanError('BTZ_UNAVAILABLE', `Elasticsearch cannot read a document now: ${error.type}`)
    return found ? { source: _source ?? ({} as Source), seqNo: _seq_no, term: _primary_term } : null
  })
}

/** The documents alone. @throws as getStanding */
export const getDocuments = async <Source>(
  elastic: Elastic,
  docs: readonly DocumentAt[],
  limits: Limits = {},
): Promise<(Source | null)[]> =>
  (await getStanding<Source>(elastic, docs, limits)).map((standing) => standing?.source ?? null)
