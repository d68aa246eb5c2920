import { createMasker } from '#hooks/agent/masking/masker.ts'
import type { Config } from '#services/config.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'

/** The masker on the clock of the recording itself: how fast a file is read decides nothing. */
export const createMaskedStream = (limits: Config['agent']['masking'], out: (frame: Frame) => void) => {
  const masker = createMasker(limits)
  let elapsedNs = 0n
  const release = (frames: readonly Frame[]): void => {
    for (const frame of frames) out(frame)
  }
  return {
    push: (frame: Frame): void => {
      elapsedNs += frame.delayNs
      const nowMs = Number(elapsedNs) / 1e6
      for (let due = masker.nextDeadlineMs(); due !== null && due <= nowMs; due = masker.nextDeadlineMs())
        release(masker.tick(due))
      release(masker.push(frame, { nowMs, mode: 'unknown' }))
    },
    end: (): void => release(masker.end()),
  }
}
