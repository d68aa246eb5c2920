import { BartizanError, hasCode } from '#services/errors.ts'
import { readStoredBatches } from '#services/recordings/format/block.ts'
import { type BlockInfo, footerBytesOf, parseFooter } from '#services/recordings/format/block-footer.ts'
import { blockKeyOf, formatOf, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'

const pageSize = 1000
const tailBytes = 16 * 1024 // holds nearly every footer

/** What stands in the store under a session's prefix, in order. */
export type Listing = { firstSeqs: number[]; manifests: number[]; sizes: Map<number, number> }

export const listSession = async (recordings: RecordingReader, prefix: string): Promise<Listing> => {
  const listing: Listing = { firstSeqs: [], manifests: [], sizes: new Map() }
  let after: string | undefined
  while (true) {
    const page = await recordings.list(prefix, { limit: pageSize, ...(after !== undefined && { after }) })
    for (const { key, sizeBytes } of page) {
      const named = parseSessionKey(key)
      if (named?.kind === 'manifest') listing.manifests.push(named.number)
      if (named?.kind !== 'block') continue
      listing.firstSeqs.push(named.firstSeq)
      listing.sizes.set(named.firstSeq, sizeBytes)
    }
    if (page.length < pageSize) return listing
    after = page.at(-1)?.key
  }
}

/** @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT */
export const readFooter = async (recordings: RecordingReader, key: string, sizeBytes: number): Promise<BlockInfo> => {
  const tail = (length: number) => recordings.get(key, { start: -length, length })
  const last = await tail(tailBytes)
  const found = footerBytesOf(last)
  const info = parseFooter('needBytes' in found ? await tail(found.needBytes) : last, sizeBytes)
  const named = parseSessionKey(key)
  const isOurs = named?.kind === 'block' && named.firstSeq === info.firstSeq && info.format === formatOf(key)
  if (isOurs && key.includes(`/${info.sessionId}/`)) return info
  throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `${key} holds another block: ${info.sessionId}/${info.firstSeq}`)
}

export const isUnreadable = (error: unknown): boolean =>
  hasCode(error, 'BTZ_EVIDENCE_CORRUPT') || hasCode(error, 'BTZ_EVIDENCE_FORMAT')

/** Hashes of all batches of the stored block that may hold `seq`; null when none does. @throws BTZ_EVIDENCE_CORRUPT */
export const hashesAround = async (
  recordings: RecordingReader,
  prefix: string,
  sessionKey: Uint8Array,
  seq: number,
): Promise<{ firstSeq: number; hashes: Uint8Array[] } | null> => {
  const { firstSeqs } = await listSession(recordings, prefix)
  const firstSeq = firstSeqs.findLast((first) => first <= seq)
  if (firstSeq === undefined) return null
  const block = await recordings.get(blockKeyOf(prefix, firstSeq))
  const hashes = Array.from(readStoredBatches(block, sessionKey), ({ hash }) => hash)
  return seq < firstSeq + hashes.length ? { firstSeq, hashes } : null
}
