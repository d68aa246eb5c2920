import { setImmediate } from 'node:timers/promises'
import type { BlockRow } from '#services/catalog/catalog.ts'
import { decodeBatchHeader, decodeFrames, type Frame } from '#services/recordings/format/frame-batch.ts'
import type { Place } from '#services/schema/screen.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'
import type { BlockReader } from './block-cache.ts'

/** Part of a recording: `blocks` hold it; up to, and without, `to`, null: up to the end of the blocks. */
export type Span = { blocks: readonly BlockRow[]; from: Place; to: Place | null }

export const recordingStart: Place = { batchSeq: 0, frame: 0, byte: 0 }

const holdsSome =
  ({ from, to }: Span) =>
  ({ firstSeq, lastSeq }: BlockRow): boolean =>
    lastSeq >= from.batchSeq && (to === null || firstSeq <= to.batchSeq)

/** What of the frame lies in the span; null: nothing. A frame without data lies where its first byte would. */
const cut = (frame: Frame, at: { batchSeq: number; frame: number }, { from, to }: Span): Frame | null => {
  const isAt = (place: Place | null) => place !== null && at.batchSeq === place.batchSeq && at.frame === place.frame
  const isBefore = (place: Place) =>
    at.batchSeq < place.batchSeq || (at.batchSeq === place.batchSeq && at.frame < place.frame)
  if (isBefore(from) || (to !== null && !isBefore(to) && !isAt(to))) return null
  const first = isAt(from) ? from.byte : 0
  const end = to !== null && isAt(to) ? to.byte : frame.data.byteLength
  if (isAt(to) && end <= first) return null
  return first === 0 && end >= frame.data.byteLength ? frame : { ...frame, data: frame.data.subarray(first, end) }
}

/** A block may unpack to many megabytes, and whoever emulates them takes seconds: others in this process want a turn. */
const turnBytes = 256 * 1024

/** The frames of the span that stand in evidence, in order, one block in memory at a time. */
export async function* framesOf(span: Span, read: BlockReader): AsyncGenerator<TimedFrame> {
  const { from, to } = span
  let unpackedBytes = 0
  for (const block of span.blocks.filter(holdsSome(span))) {
    for (const finished of await read(block)) {
      const batch = decodeBatchHeader(finished)
      if (batch.batchSeq < from.batchSeq) continue
      if (to !== null && batch.batchSeq > to.batchSeq) return
      unpackedBytes += batch.message.payloadSize
      if (unpackedBytes >= turnBytes) {
        unpackedBytes = 0
        await setImmediate()
      }
      let atNs = batch.startNs
      for (const [number, frame] of decodeFrames(batch).entries()) {
        atNs += frame.delayNs
        const part = cut(frame, { batchSeq: batch.batchSeq, frame: number }, span)
        if (part) yield { ...part, atNs }
      }
    }
  }
}
