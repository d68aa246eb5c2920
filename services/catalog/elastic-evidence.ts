import { sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { BartizanError } from '../errors.ts'
import type { BlockRow } from './catalog.ts'
import type { BlockRange, KnownSeq } from './durable-seqs.ts'
import type { Ask, Hit } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { member } from './elastic-write-events.ts'

/**
 * What the recorder knows of a session: documents of its own, beside the indexer's. Two writers never touch one
 * document, so neither can lose the other's part; a reader puts them together.
 */

const pageSize = 5_000

type StoredBlock = Omit<BlockRow, 'startNs' | 'endNs'> & { startNs: string; endNs: string }

export const sealId = (sessionId: string): string => `sealed/${sessionId}`

const storedOf = (row: BlockRow): string =>
  JSON.stringify(JSON.stringify({ ...row, startNs: String(row.startNs), endNs: String(row.endNs) }))

const blockOf = (row: string): BlockRow => {
  const stored = JSON.parse(row) as StoredBlock
  return { ...stored, startNs: BigInt(stored.startNs), endNs: BigInt(stored.endNs) }
}

export const createEvidenceWriter = (elastic: Elastic, { evidence }: CatalogIndices) => {
  const put = async (id: string, document: string): Promise<void> => {
    const action = `{"index":{"_index":"${evidence}","_id":${JSON.stringify(id)}}}\n`
    const [done] = await sendBulk(elastic, [`${action}{${document}}\n`])
    if (done?.outcome !== 'refused') return
    throw new BartizanError('BTZ_CATALOG_REFUSED', `Elasticsearch refuses the row of ${id}: ${done.reason}`)
  }
  return {
    putBlock: (row: BlockRow): Promise<void> =>
      put(
        row.key,
        `"firstSeq":${row.firstSeq},"lastSeq":${row.lastSeq}${member('sessionId', row.sessionId)},"row":${storedOf(row)}`,
      ),
    markSealed: (sessionId: string, manifestKey: string): Promise<void> =>
      put(sealId(sessionId), `"manifestKey":${JSON.stringify(manifestKey)}`),
  }
}

const bySeq = [
  { sessionId: { order: 'asc', unmapped_type: 'keyword' } },
  { firstSeq: { order: 'asc', unmapped_type: 'long' } },
  { lastSeq: { order: 'asc', unmapped_type: 'long' } },
]

/** All that a query finds, page by page. */
const allBlocks = async <Source>(ask: Ask, { evidence }: CatalogIndices, query: object, source: string[]) => {
  const found: Source[] = []
  let after: Hit<Source>['sort'] | undefined
  while (true) {
    const page = { size: pageSize, sort: bySeq, _source: source, ...(after && { search_after: after }) }
    const { hits } = await ask.search<Source>(evidence, { ...page, query })
    for (const { _source } of hits) found.push(_source)
    after = hits.at(-1)?.sort
    if (hits.length < pageSize) return found
  }
}

export const readBlocks = async (ask: Ask, indices: CatalogIndices, sessionId: string): Promise<BlockRow[]> => {
  const query = { bool: { filter: [{ term: { sessionId: sessionId.toWellFormed() } }] } }
  return (await allBlocks<{ row: string }>(ask, indices, query, ['row'])).map(({ row }) => blockOf(row))
}

const beyond = ({ sessionId, nextSeq }: KnownSeq): object => ({
  bool: { filter: [{ term: { sessionId } }, { range: { lastSeq: { gte: nextSeq } } }] },
})

export const readRanges = (ask: Ask, indices: CatalogIndices, known: KnownSeq[]): Promise<BlockRange[]> => {
  const [unknown, others] = [known.filter(({ nextSeq }) => nextSeq === 0), known.filter(({ nextSeq }) => nextSeq > 0)]
  const should = [{ terms: { sessionId: unknown.map(({ sessionId }) => sessionId) } }, ...others.map(beyond)]
  return allBlocks(ask, indices, { bool: { filter: [{ bool: { should } }] } }, ['sessionId', 'firstSeq', 'lastSeq'])
}
