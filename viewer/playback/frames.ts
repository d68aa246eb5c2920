import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'
import { type BlockSource, readBlocks } from './block-cache.ts'
import { framesOf, recordingStart } from './placed-frames.ts'

export type FrameSource = BlockSource & { catalog: Pick<CatalogReader, 'blocks'> }

/**
 * All frames of a session that stand in evidence, in order, one block in memory at a time.
 * @throws BTZ_KEY_DESTROYED (erased) BTZ_EVIDENCE_CORRUPT
 */
export async function* sessionFrames(source: FrameSource, sessionId: string): AsyncGenerator<TimedFrame> {
  const blocks = await source.catalog.blocks(sessionId)
  yield* framesOf({ blocks, from: recordingStart, to: null }, readBlocks(source))
}

export const milliseconds = (atNs: bigint): number => Math.round(Number(atNs / 1000n) / 1000)
