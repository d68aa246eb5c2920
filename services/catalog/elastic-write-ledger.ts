import { type BulkItem, sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { getDocuments } from '../elastic/elastic-get.ts'
import { BartizanError } from '../errors.ts'
import type { SessionRow } from './catalog.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { sessionDocument } from './elastic-write-frames.ts'

export type LedgerWriterOptions = {
  elastic: Elastic
  indices: CatalogIndices
  termMembers: TermMembers
  nextClosing(): number
}

type Before = { row: string; closing: number | null }

/**
 * Sessions that no recorder saw. Their documents have no version of batches: one that was deleted may come again, which
 * an external version would refuse for as long as Elasticsearch remembers the deletion.
 */
export const createLedgerWriter = ({ elastic, indices, termMembers, nextClosing }: LedgerWriterOptions) => {
  const putItems = async (rows: readonly SessionRow[]): Promise<BulkItem[]> => {
    if (rows.length === 0) return []
    const place = (_id: string) => ({ _index: indices.sessions, _id, _source: ['row', 'closing'] })
    const before = await getDocuments<Before>(
      elastic,
      rows.map(({ id }) => place(id)),
    )
    return rows.flatMap((row, at) => {
      if (before[at]?.row === JSON.stringify(row)) return []
      const closing = before[at]?.closing ?? nextClosing()
      const action = `{"index":{"_index":"${indices.sessions}","_id":${JSON.stringify(row.id)}}}\n`
      return `${action}${sessionDocument(row, { closing, nextSeq: 0, commandCount: 0 }, termMembers)}`
    })
  }
  return {
    putUnrecorded: async (rows: SessionRow[], gone: string[]): Promise<void> => {
      const deletions = gone.map((id) => `{"delete":{"_index":"${indices.sessions}","_id":${JSON.stringify(id)}}}\n`)
      const outcomes = await sendBulk(elastic, [...(await putItems(rows)), ...deletions])
      const refused = outcomes.find((one) => one.outcome === 'refused')
      if (refused)
        throw new BartizanError('BTZ_CATALOG_REFUSED', `Elasticsearch refuses a session's row: ${refused.reason}`)
    },
  }
}
