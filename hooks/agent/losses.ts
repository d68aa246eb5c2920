import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { sourceBytes } from './session-chain.ts'
import { markerFrame } from './session-marker.ts'

/** Frames that could not be spooled because there was no room: what is known of them, until it can be recorded. */
export type Losses = {
  any(): boolean
  add(frame: Frame, commitNs: bigint): void
  /** The marker that stands for them, with their delays, so that all times after it are right. */
  take(): { frame: Frame; commitNs: bigint }
}

export const createLosses = (): Losses => {
  let frames = 0
  let bytes = 0
  let delayNs = 0n
  let lastCommitNs = 0n
  return {
    any: () => frames > 0,
    add: (frame, commitNs) => {
      frames += 1
      bytes += sourceBytes(frame)
      delayNs += frame.delayNs
      lastCommitNs = commitNs
    },
    take: () => {
      const detail = `the spool was full: ${frames} frames with ${bytes} bytes were not recorded`
      const frame = markerFrame({ type: 'gap', reason: 'spool_full', detail, lostBytes: bytes }, delayNs)
      frames = bytes = 0
      delayNs = 0n
      return { frame, commitNs: lastCommitNs }
    },
  }
}
