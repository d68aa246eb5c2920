import { type DecodedBatch, decodeFrames } from '#services/recordings/format/frame-batch.ts'
import type { ScreenText, Segment } from '#services/schema/screen.ts'
import { createSegmenter, type SegmenterState } from '#services/terminal/segmenter.ts'
import type { TerminalSize } from '#services/terminal/terminal-size.ts'

/** `refused`: keyframes that were not exact; `broken`: times that the output broke the terminal. */
export type Shown = { segments: Segment[]; texts: ScreenText[]; refused: number; broken: number }

const restUs = 1_000_000
const usOf = (ns: bigint): number => Number(ns / 1_000n)

/** One session's terminal: batches in, in order; segments and texts out. Works in memory alone. `state`: as saved. */
export const createLiveScreen = (size: TerminalSize, state: string | null) => {
  const stored = state === null ? null : (JSON.parse(state) as SegmenterState)
  const segmenter = createSegmenter({ size, state: stored })
  let counted = segmenter.counts()
  const counts = () => {
    const before = counted
    counted = segmenter.counts()
    return { refused: counted.refused - before.refused, broken: counted.broken - before.broken }
  }
  return {
    /** @throws BTZ_BATCH_INVALID before anything was taken of it */
    take: (batch: DecodedBatch): Shown => {
      let atNs = batch.startNs
      for (const [frame, decoded] of decodeFrames(batch).entries()) {
        atNs += decoded.delayNs
        segmenter.take({ ...decoded, atNs }, { batchSeq: batch.batchSeq, frame })
      }
      // Times of the recording alone: when it came must not tell what is found in it.
      segmenter.settle(usOf(batch.endNs) + (batch.end ? restUs : 0))
      return { ...segmenter.drain(), ...counts() }
    },
    save: (): string => JSON.stringify(segmenter.state()),
    dispose: (): void => segmenter.dispose(),
  }
}
export type LiveScreen = ReturnType<typeof createLiveScreen>
