import type { BlockRow } from '#services/catalog/catalog.ts'
import type { BlockInfo } from '#services/recordings/format/block-footer.ts'

export const blockRow = (key: string, info: BlockInfo): BlockRow => ({
  sessionId: info.sessionId,
  key,
  firstSeq: info.firstSeq,
  lastSeq: info.lastSeq,
  startNs: info.startNs,
  endNs: info.endNs,
  firstAtMs: info.firstAtMs,
  lastAtMs: info.lastAtMs,
  sizeBytes: info.sizeBytes,
  chainHash: Buffer.from(info.chainHash).toString('hex'),
  seals: info.seals,
})
