import type { Clock } from '#hooks/hook.ts'

/** What time it is for the masker, in monotonic ms. */
export type MaskingClock = {
  /** A frame came, so long after the one before. */
  frame(delayNs: bigint): void
  nowMs(): number
  /** Wall time until `nowMs` is there, if no frame comes. */
  untilMs(nowMs: number): number
}

const wall: MaskingClock = {
  frame: () => undefined,
  nowMs: () => performance.now(),
  untilMs: (deadlineMs) => deadlineMs - performance.now(),
}

const silenceMs = 15_000 // tlog hands over what it has every 10 s

/** Time of the frames themselves; it goes on by the wall clock where nothing has come for 15 s, so that nothing is held for ever. */
const createStreamClock = (): MaskingClock => {
  let streamNs = 0n
  let cameMs = performance.now()
  const nowMs = (): number => Number(streamNs) / 1e6 + Math.max(0, performance.now() - cameMs - silenceMs)
  return {
    frame: (delayNs) => {
      streamNs += delayNs
      cameMs = performance.now()
    },
    nowMs,
    untilMs: (deadlineMs) => deadlineMs - nowMs() + Math.max(0, silenceMs - (performance.now() - cameMs)),
  }
}

export const maskingClock = (clock: Clock): MaskingClock => (clock === 'wall' ? wall : createStreamClock())
