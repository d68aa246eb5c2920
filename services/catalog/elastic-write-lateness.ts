import { sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { getDocuments } from '../elastic/elastic-get.ts'
import type { SessionState } from '../schema/session.ts'
import type { SessionRow } from './catalog.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { actionOf, sessionDocument } from './elastic-write-frames.ts'

type Before = { row: string; nextSeq: number; commandCount: number }

/** The same document with another state, and no newer: an update of the session that comes meanwhile stands. */
export const createLatenessWriter = (options: {
  elastic: Elastic
  indices: CatalogIndices
  termMembers: TermMembers
  nextClosing(): number
}) => {
  const { elastic, indices, termMembers, nextClosing } = options
  const change = async (
    sessionIds: string[],
    from: readonly SessionState[],
    to: SessionState,
    closingOf: () => number | null,
  ): Promise<void> => {
    if (sessionIds.length === 0) return
    const _source = ['row', 'nextSeq', 'commandCount']
    const found = await getDocuments<Before>(
      elastic,
      sessionIds.map((_id) => ({ _index: indices.sessions, _id, _source })),
    )
    const items = found.flatMap((before) => {
      const row = before && (JSON.parse(before.row) as SessionRow)
      if (!before || !row || !from.includes(row.state)) return []
      const { nextSeq, commandCount } = before
      const after = { closing: closingOf(), nextSeq, commandCount }
      const document = sessionDocument({ ...row, state: to }, after, termMembers)
      return [`${actionOf(indices.sessions, row.id, nextSeq)}${document}`]
    })
    await sendBulk(elastic, items)
  }
  return {
    markLate: (sessionIds: string[], isLate: boolean): Promise<void> =>
      change(sessionIds, [isLate ? 'open' : 'late'], isLate ? 'late' : 'open', () => null),
    markTruncated: (sessionIds: string[]): Promise<void> =>
      change(sessionIds, ['open', 'late'], 'truncated', nextClosing),
  }
}
