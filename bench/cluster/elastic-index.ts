/** Questions that the bench itself asks of Elasticsearch, in a way that costs product and peers the same. */

export const askElastic = async (url: string, method: string, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(120_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`Elasticsearch: ${method} ${path}: ${response.status} ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

const lenient = 'ignore_unavailable=true&allow_no_indices=true'

/** Written since Elasticsearch was started; does not refresh. */
export const indexedCount = async (url: string, index: string): Promise<number> => {
  const answer = (await askElastic(url, 'GET', `/${index}/_stats/indexing?${lenient}`)) as {
    _all: { primaries: { indexing?: { index_total: number } } }
  }
  return answer._all.primaries.indexing?.index_total ?? 0
}

/** What a search finds now. */
export const searchableCount = async (url: string, index: string): Promise<number> => {
  await askElastic(url, 'POST', `/${index}/_refresh?${lenient}`)
  return ((await askElastic(url, 'GET', `/${index}/_count?${lenient}`)) as { count: number }).count
}

const pageSize = 10_000

type Hit = { _id: string; fields?: Record<string, unknown[]>; sort: unknown[] }

/** How a document says its sequence number: in a field with doc values, or in its id. */
export type Numbering = { field: string } | { ofId(id: string): number }

const numberOf = ({ _id, fields }: Hit, numbering: Numbering): number =>
  'field' in numbering ? Number(fields?.[numbering.field]?.[0]) : numbering.ofId(_id)

const pagesOf = async function* (url: string, index: string, numbering: Numbering): AsyncGenerator<Hit[]> {
  const { id } = (await askElastic(url, 'POST', `/${index}/_pit?keep_alive=2m`)) as { id: string }
  try {
    for (let after: unknown[] | undefined; ; ) {
      const query = {
        size: pageSize,
        pit: { id, keep_alive: '2m' },
        sort: [{ _shard_doc: 'asc' }],
        track_total_hits: false,
      }
      const fields = 'field' in numbering ? { docvalue_fields: [numbering.field] } : {}
      const shown = { _source: false, ...fields, ...(after ? { search_after: after } : {}) }
      const { hits } = (
        (await askElastic(url, 'POST', '/_search', { ...query, ...shown })) as { hits: { hits: Hit[] } }
      ).hits
      if (hits.length === 0) return
      yield hits
      after = hits.at(-1)!.sort
    }
  } finally {
    await askElastic(url, 'DELETE', '/_pit', { id })
  }
}

export type Tally = { documents: number; lost: number; duplicated: number; firstLost: number[] }

/** Every document is read: how many of the sequence numbers 1 to `count` are missing, and how many are there again. */
export const tallySequences = async (
  url: string,
  index: string,
  numbering: Numbering,
  count: number,
): Promise<Tally> => {
  const seen = new Uint32Array(count + 1)
  let documents = 0
  for await (const hits of pagesOf(url, index, numbering)) {
    for (const hit of hits) {
      const sequence = numberOf(hit, numbering)
      if (!(sequence >= 1 && sequence <= count))
        throw new Error(`a document of ${index} has the sequence number ${sequence}`)
      seen[sequence]! += 1
      documents++
    }
  }
  const numbers = [...seen.keys()].slice(1)
  const missing = numbers.filter((number) => seen[number] === 0)
  const duplicated = numbers.reduce((sum, number) => sum + Math.max(0, seen[number]! - 1), 0)
  return { documents, lost: missing.length, duplicated, firstLost: missing.slice(0, 5) }
}

export const bytesPerDocument = async (url: string, index: string): Promise<number> => {
  await askElastic(url, 'POST', `/${index}/_flush?${lenient}`)
  const answer = (await askElastic(url, 'GET', `/${index}/_stats/store,docs?${lenient}`)) as {
    _all: { primaries: { store: { size_in_bytes: number }; docs: { count: number } } }
  }
  const { store, docs } = answer._all.primaries
  return Math.round(store.size_in_bytes / Math.max(1, docs.count))
}
