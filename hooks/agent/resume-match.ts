import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { sourceBytes } from './session-chain.ts'
import { isOwnMarker } from './session-marker.ts'

/**
 * recorded: all of the frame is in the recording. new: `rest` is not, which is the frame or its end.
 * differs: the source sends something else than it sent before.
 */
export type Match = { kind: 'recorded' } | { kind: 'new'; rest: Frame } | { kind: 'differs' }

/** Recognises what a source sends again after it was cut off. */
export type ResumeMatch = {
  /** Everything recorded has been sent again. */
  readonly done: boolean
  match(frame: Frame): Match
  /** Whether a marker is among those recorded at this place. They have no time of their own, and may be left out. */
  matchMarker(frame: Frame): boolean
}

const sameBytes = (recorded: Frame, frame: Frame, from: number): boolean => {
  const bytes = sourceBytes(recorded)
  if (from + bytes > frame.data.byteLength) return false
  // What was masked is gone: its length has to do.
  return recorded.masked !== undefined || Buffer.compare(recorded.data, frame.data.subarray(from, from + bytes)) === 0
}
const isSame = (recorded: Frame | undefined, frame: Frame, delayNs: bigint, from: number): boolean =>
  recorded?.stream === frame.stream && recorded.delayNs === delayNs && sameBytes(recorded, frame, from)

/**
 * `recorded`: the frames after the resume point, as they are in the spool. A recorded frame may be a part of one that
 * was sent: long ones are split over batches, and typed ones where only some of the text was masked. Those without a
 * delay right at the resume point may or may not be sent again: a source cannot tell them from the one before.
 */
export const createResumeMatch = (recorded: readonly Frame[]): ResumeMatch => {
  const expected = recorded.filter((frame) => !isOwnMarker(frame))
  let next = 0
  let atResumePoint = true

  const skipMarkers = (): void => {
    while (expected[next]?.stream === Stream.MARKER) next += 1
  }
  const consume = (frame: Frame): Match => {
    let bytes = 0
    do {
      bytes += sourceBytes(expected[next++]!)
      if (bytes === frame.data.byteLength) return { kind: 'recorded' }
    } while (isSame(expected[next], frame, 0n, bytes))
    if (next < expected.length) return { kind: 'differs' }
    return { kind: 'new', rest: { ...frame, delayNs: 0n, data: frame.data.subarray(bytes) } }
  }
  return {
    get done() {
      return next >= expected.length
    },
    match: (frame) => {
      skipMarkers()
      while (atResumePoint && expected[next]?.delayNs === 0n && !isSame(expected[next], frame, frame.delayNs, 0)) {
        next += 1
        skipMarkers()
      }
      atResumePoint = false
      if (next >= expected.length) return { kind: 'new', rest: frame }
      return isSame(expected[next], frame, frame.delayNs, 0) ? consume(frame) : { kind: 'differs' }
    },
    matchMarker: (frame) => {
      for (let index = next; expected[index]?.stream === Stream.MARKER; index++) {
        if (Buffer.compare(expected[index]!.data, frame.data) !== 0) continue
        next = index + 1
        return true
      }
      return false
    },
  }
}
