import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import { decodeBatchHeader, decodeFrames, type Frame } from '#services/recordings/format/frame-batch.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'

/** A frame with its time from the start of the session. */
export type TimedFrame = Frame & { atNs: bigint }

export type FrameSource = {
  catalog: Pick<CatalogReader, 'blocks'>
  recordings: RecordingReader
  keys: Pick<KeyStore, 'get'>
}

/**
 * All frames of a session that stand in evidence, in order, one block in memory at a time. `lastSeq`: only blocks up
 * to that batch, so that two reads of a session that still runs see the same.
 * @throws BTZ_KEY_DESTROYED (erased) BTZ_EVIDENCE_CORRUPT
 */
export async function* sessionFrames(
  source: FrameSource,
  sessionId: string,
  lastSeq = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<TimedFrame> {
  const blocks = (await source.catalog.blocks(sessionId)).filter((block) => block.lastSeq <= lastSeq)
  if (blocks.length === 0) return
  for (const block of blocks) {
    // Asked for each time: who began to read before an erasure gets no more of it.
    const key = await source.keys.get(`session:${sessionId}`)
    for (const finished of readBatches(await source.recordings.get(block.key), key)) {
      const batch = decodeBatchHeader(finished)
      let atNs = batch.startNs
      for (const frame of decodeFrames(batch)) {
        atNs += frame.delayNs
        yield { ...frame, atNs }
      }
    }
  }
}

/** Seconds with microseconds: what asciicast and the player count in. */
export const seconds = (atNs: bigint): number => Math.round(Number(atNs / 1000n)) / 1e6
export const milliseconds = (atNs: bigint): number => Math.round(Number(atNs / 1000n) / 1000)
