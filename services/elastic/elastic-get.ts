import { BartizanError } from '../errors.ts'
import type { Elastic } from './elastic-client.ts'

export type DocumentAt = { _index: string; _id: string; _source?: string[] | false }
type Found<Source> = { found?: boolean; _source?: Source; error?: { type: string } }

/**
 * Documents by id: what was acknowledged is there at once, unlike in a search. Null: there is none.
 * @throws BTZ_UNAVAILABLE also where one shard does not answer: that it has no document is not known then
 */
export const getDocuments = async <Source>(
  elastic: Elastic,
  docs: readonly DocumentAt[],
  limits: { timeoutMs?: number; onTimeout?: 'BTZ_CATALOG_TIMEOUT' } = {},
): Promise<(Source | null)[]> => {
  const { body } = await elastic.request<{ docs: Found<Source>[] }>({
    method: 'POST',
    path: '/_mget',
    body: { docs },
    ...limits,
  })
  return body.docs.map(({ found, _source, error }) => {
    if (error && error.type !== 'index_not_found_exception')
      throw new BartizanError('BTZ_UNAVAILABLE', `Elasticsearch cannot read a document now: ${error.type}`)
    return found ? (_source ?? ({} as Source)) : null
  })
}
