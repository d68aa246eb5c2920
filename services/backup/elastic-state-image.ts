import { hash } from 'node:crypto'
import { sendBulk } from '../elastic/elastic-bulk.ts'
import { connectElastic, type Elastic, type ElasticConfig } from '../elastic/elastic-client.ts'
import { BartizanError } from '../errors.ts'
import type { ImageEntry, StateImage } from './state-image.ts'

const page = 200
const keepAlive = '5m' // of a point in time, renewed by every page
const bulkItems = 500
const bulkChars = 8 * 1024 * 1024

type Hit = { _source: ImageEntry; sort: unknown[] }
type Found = { pit_id?: string; hits?: { hits?: Hit[] } }
type Template = { template?: { settings?: object; mappings?: object } }
type Shards = { seq_no?: { max_seq_no: number } }[]
type Stats = { indices?: Record<string, { shards?: Record<string, Shards> }> }

/** A point in time: what is written meanwhile is not seen. */
async function* snapshot(elastic: Elastic, index: string): AsyncGenerator<ImageEntry, void, void> {
  await elastic.request({
    method: 'POST',
    path: `/${index}/_refresh`,
    query: { ignore_unavailable: true },
    accept: [404],
  })
  const opened = await elastic.request<{ id?: string }>({
    method: 'POST',
    path: `/${index}/_pit`,
    query: { keep_alive: keepAlive },
    accept: [404],
  })
  if (opened.body.id === undefined) return
  let id = opened.body.id
  try {
    for (let after: unknown[] | undefined; ; ) {
      const { body } = await elastic.request<Found>({
        method: 'POST',
        path: '/_search',
        query: { allow_partial_search_results: false },
        body: {
          size: page,
          sort: [{ key: 'asc' }],
          pit: { id, keep_alive: keepAlive },
          track_total_hits: false,
          ...(after && { search_after: after }),
        },
      })
      id = body.pit_id ?? id
      const hits = body.hits?.hits ?? []
      for (const { _source } of hits) yield { key: _source.key, value: _source.value }
      after = hits.at(-1)?.sort
      if (hits.length < page) return
    }
  } finally {
    await elastic.request({ method: 'DELETE', path: '/_pit', body: { id }, accept: [404] })
  }
}

/** The indices behind a name, which is an alias after a restore. */
const behind = async (elastic: Elastic, name: string): Promise<string[]> => {
  const { status, body } = await elastic.request<Record<string, object>>({
    method: 'GET',
    path: `/${name}`,
    query: { allow_no_indices: true, ignore_unavailable: true },
    accept: [404],
  })
  return status === 404 ? [] : Object.keys(body)
}

/** Grows with every write. -1: nothing was ever written. */
const lastSeqNo = async (elastic: Elastic, index: string): Promise<number> => {
  const { body } = await elastic.request<Stats>({
    method: 'GET',
    path: `/${index}/_stats`,
    query: { level: 'shards', ignore_unavailable: true },
    accept: [404],
  })
  const shards = Object.values(body.indices ?? {}).flatMap((each) => Object.values(each.shards ?? {}).flat())
  return Math.max(-1, ...shards.map(({ seq_no }) => seq_no?.max_seq_no ?? -1))
}

/** Of the form that the template gives to the index that it stands for. */
const makeLike = async (elastic: Elastic, index: string, made: string): Promise<void> => {
  const { body } = await elastic.request<Template>({
    method: 'POST',
    path: `/_index_template/_simulate_index/${index}`,
  })
  const { settings = {}, mappings = {} } = body.template ?? {}
  await elastic.request({ method: 'PUT', path: `/${made}`, body: { settings, mappings } })
}

const sendAll = async (elastic: Elastic, index: string, items: ImageEntry[]): Promise<void> => {
  const lines = items.map(
    ({ key, value }) =>
      `${JSON.stringify({ index: { _index: index, _id: hash('sha256', key) } })}\n${JSON.stringify({ key, value })}\n`,
  )
  const refused = (await sendBulk(elastic, lines)).find(({ outcome }) => outcome === 'refused')
  if (refused) throw new BartizanError('BTZ_CATALOG_REFUSED', 'Elasticsearch does not take an entry of the state')
}

const fill = async (elastic: Elastic, index: string, entries: AsyncIterable<ImageEntry>): Promise<number> => {
  let [waiting, chars, count] = [[] as ImageEntry[], 0, 0]
  for await (const entry of entries) {
    waiting.push(entry)
    chars += entry.value.length
    count++
    if (waiting.length < bulkItems && chars < bulkChars) continue
    await sendAll(elastic, index, waiting)
    ;[waiting, chars] = [[], 0]
  }
  if (waiting.length > 0) await sendAll(elastic, index, waiting)
  return count
}

/** One call, which Elasticsearch does as a whole or not at all. */
const swap = async (elastic: Elastic, name: string, old: string[], made: string): Promise<void> => {
  const actions = [
    ...old.map((index) => ({ remove_index: { index } })),
    { add: { index: made, alias: name, is_write_index: true } },
  ]
  await elastic.request({ method: 'POST', path: '/_aliases', body: { actions } })
}

const replaceAll = async (elastic: Elastic, name: string, entries: AsyncIterable<ImageEntry>): Promise<number> => {
  const restored = `${name}-restored-`
  const old = await behind(elastic, name)
  for (const left of await behind(elastic, `${restored}*`))
    if (!old.includes(left)) await elastic.request({ method: 'DELETE', path: `/${left}`, accept: [404] }) // of a restore that was cut short
  const before = await lastSeqNo(elastic, name)
  const made = `${restored}${Date.now()}`
  await makeLike(elastic, name, made)
  const count = await fill(elastic, made, entries)
  await elastic.request({ method: 'POST', path: `/${made}/_refresh` })
  if ((await lastSeqNo(elastic, name)) !== before) {
    await elastic.request({ method: 'DELETE', path: `/${made}`, accept: [404] })
    throw new BartizanError('BTZ_STATE_CONFLICT', 'somebody writes to the state store: nothing was restored', {
      hint: 'stop every role first',
    })
  }
  await swap(elastic, name, old, made)
  return count
}

/** The name of the index becomes an alias with the first restore. @throws as every call to Elasticsearch */
export const openElasticStateImage = (config: ElasticConfig): StateImage => {
  const elastic = connectElastic(config)
  const name = `${config.indexPrefix}-state`
  return {
    entries: () => snapshot(elastic, name),
    // Revisions are sequence numbers of an index and cannot be moved: those of the new one begin anew.
    lastRevision: async () => 0,
    count: async () => {
      const { body } = await elastic.request<{ count?: number }>({
        method: 'GET',
        path: `/${name}/_count`,
        query: { ignore_unavailable: true },
        accept: [404],
      })
      return body.count ?? 0
    },
    replace: (entries) => replaceAll(elastic, name, entries),
    close: () => elastic.close(),
  }
}
