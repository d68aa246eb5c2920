import { hash } from 'node:crypto'
import { connectElastic, type Elastic, type ElasticConfig } from '../elastic/elastic-client.ts'
import { expungeIndices } from '../elastic/elastic-expunge.ts'
import { createRefresh } from '../elastic/elastic-refresh.ts'
import { ensureTemplates } from '../elastic/elastic-templates.ts'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { revisionOf, standingOf } from './elastic-revision.ts'
import { stateTemplates } from './elastic-state-template.ts'
import { checkKey, encodeValue, pageOf } from './state-limits.ts'
import type { StateEntry, StateStore } from './state-store.ts'

const conflict = 409
const missing = 404

/** Sorts after every key with the prefix before it: the last code point is no character and stands in no key. */
const last = '\u{10ffff}'

type Source = { key: string; value: string }
type Document = { _source: Source; _seq_no: number; _primary_term: number }
type Found = Partial<Document> & { found?: boolean }
type Written = { _seq_no: number; _primary_term: number; result: string }
type Listed = { hits?: { hits?: Document[] } }

/** A key may be longer than the id of a document. */
const idOf = (key: string): string => hash('sha256', key)

const entryOf = ({ _source: { key, value }, _seq_no: seqNo, _primary_term: term }: Document): StateEntry => ({
  key,
  value: JSON.parse(value),
  revision: revisionOf({ seqNo, term }),
})

const conflicts = (key: string, ifRevision: number): BartizanError =>
  new BartizanError('BTZ_STATE_CONFLICT', `${key} does not stand at revision ${ifRevision}`)

/** Done only where the document stands at this revision. @throws BTZ_STATE_CONFLICT */
const onlyAt = (key: string, ifRevision: number) => {
  const standing = standingOf(ifRevision)
  if (standing === null) throw conflicts(key, ifRevision)
  return { if_seq_no: standing.seqNo, if_primary_term: standing.term }
}

const conditionOf = (key: string, ifRevision: number | undefined): Record<string, string | number> => {
  if (ifRevision === undefined) return {}
  return ifRevision === 0 ? { op_type: 'create' } : onlyAt(key, ifRevision)
}

const createOperations = (elastic: Elastic, index: string) => {
  const refresh = createRefresh(elastic, index)
  const at = (key: string) => `/${index}/_doc/${idOf(key)}`

  const get = async (key: string): Promise<StateEntry | null> => {
    const { status, body } = await elastic.request<Found>({
      method: 'GET',
      path: at(key),
      accept: [missing],
    })
    return status === missing || !body.found ? null : entryOf(body as Document)
  }

  const put = async (key: string, value: string, ifRevision: number | undefined): Promise<number> => {
    const { status, body } = await elastic.request<Written>({
      method: 'PUT',
      path: at(key),
      query: conditionOf(key, ifRevision),
      body: { key, value },
      accept: [conflict],
    })
    if (status === conflict) throw conflicts(key, ifRevision ?? 0)
    return revisionOf({ seqNo: body._seq_no, term: body._primary_term })
  }

  const remove = async (key: string, ifRevision: number | undefined): Promise<void> => {
    if (ifRevision === 0) {
      if ((await get(key)) !== null) throw conflicts(key, 0)
      return
    }
    const { status } = await elastic.request({
      method: 'DELETE',
      path: at(key),
      query: ifRevision === undefined ? {} : onlyAt(key, ifRevision),
      accept: [conflict, missing],
    })
    if (status !== 200 && ifRevision !== undefined) throw conflicts(key, ifRevision)
  }

  const list = async (prefix: string, after: string, limit: number): Promise<StateEntry[]> => {
    await refresh()
    const { body } = await elastic.request<Listed>({
      method: 'POST',
      path: `/${index}/_search`,
      query: { ignore_unavailable: true, allow_partial_search_results: false, seq_no_primary_term: true },
      body: {
        size: limit,
        query: {
          bool: {
            filter: [
              { range: { key: { gte: prefix, lt: prefix + last } } },
              ...(after === '' ? [] : [{ range: { key: { gt: after } } }]),
            ],
          },
        },
        sort: [{ key: 'asc' }],
        track_total_hits: false,
      },
    })
    return (body.hits?.hits ?? []).map(entryOf)
  }
  return { get, put, remove, list }
}

/**
 * One document per entry in Elasticsearch. A put is in the synced translog of every copy when it resolves. Keys and
 * values as in every state store.
 * @throws BTZ_CATALOG_MISCONFIGURED BTZ_CONFIG_INVALID; each call also BTZ_REQUEST_INVALID BTZ_UNAVAILABLE
 */
export const createElasticStateStore = async ({
  config,
  log,
}: {
  config: ElasticConfig
  log: Logger
}): Promise<StateStore> => {
  const elastic = connectElastic(config)
  try {
    await ensureTemplates(elastic, stateTemplates)
  } catch (error) {
    await elastic.close()
    throw error
  }
  log.debug({ prefix: config.indexPrefix }, 'the state store is in Elasticsearch')
  const operations = createOperations(elastic, `${config.indexPrefix}-state`)
  return {
    get: async (key) => {
      checkKey(key)
      return operations.get(key)
    },
    put: async (key, value, { ifRevision } = {}) => {
      checkKey(key)
      return operations.put(key, encodeValue(key, value), ifRevision)
    },
    delete: async (key, { ifRevision } = {}) => {
      checkKey(key)
      await operations.remove(key, ifRevision)
    },
    list: async (prefix, { after = '', limit }) => {
      if (prefix) checkKey(prefix)
      if (after) checkKey(after)
      return pageOf(limit) === 0 ? [] : operations.list(prefix, after, pageOf(limit))
    },
    expunge: () => expungeIndices(elastic, [`${config.indexPrefix}-state`]),
    close: elastic.close,
  }
}
