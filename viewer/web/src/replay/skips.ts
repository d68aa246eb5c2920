import { createPlayClock, type Skip } from '../../../playback/play-clock.ts'

export type { Skip }
/** Moments of the session and moments of playing, in milliseconds, into each other. */
export type Clock = { toPlayMs(sessionMs: number): number; toSessionMs(playMs: number): number }

export const clockOf = (skips: readonly Skip[]): Clock => {
  const clock = createPlayClock(skips)
  return {
    toPlayMs: (sessionMs) => clock.toPlayUs(Math.round(sessionMs * 1000)) / 1000,
    toSessionMs: (playMs) => clock.toSessionUs(Math.round(playMs * 1000)) / 1000,
  }
}
