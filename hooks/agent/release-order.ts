import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { sourceBytes } from './session-chain.ts'

/**
 * Which part of what the source sent has come out of the masker as a whole: a commit point may pass only that. The
 * masker keeps the order and may cut frames, with the delay on the first part; the bytes always add up.
 */
export type ReleaseOrder = {
  isEmpty(): boolean
  /** Sum of the delays of what came out as a whole, or never had to go in. */
  releasedNs(): bigint
  enter(bytes: number, delayNs: bigint): void
  /** A frame came out. */
  leave(frame: Frame): void
  /** Went past the masker: it was recorded before. */
  pass(delayNs: bigint): void
}

export const createReleaseOrder = (fromNs: bigint): ReleaseOrder => {
  let releasedNs = fromNs
  let inside: { bytes: number; delayNs: bigint }[] = []
  let first = 0

  const pop = (): void => {
    releasedNs += inside[first]!.delayNs
    first += 1
    if (first < inside.length) return
    inside = []
    first = 0
  }
  return {
    isEmpty: () => inside.length === 0,
    releasedNs: () => releasedNs,
    enter: (bytes, delayNs) => void inside.push({ bytes, delayNs }),
    leave: (frame) => {
      let bytes = sourceBytes(frame)
      if (bytes === 0) return pop()
      while (bytes > 0) {
        const head = inside[first]!
        const used = Math.min(bytes, head.bytes)
        head.bytes -= used
        bytes -= used
        if (head.bytes === 0) pop()
      }
    },
    pass: (delayNs) => {
      releasedNs += delayNs
    },
  }
}
