/** A span without any event, in microseconds since the session's start. */
export type Pause = readonly [fromUs: number, toUs: number]

/**
 * Where playing is shorter than the session was: of `lengthMs` from `atMs` on (session time) only `keptMs` are played.
 * Whole milliseconds, so that whoever maps times by them gets exactly the times that are played.
 */
export type Skip = { atMs: number; lengthMs: number; keptMs: number }

/** Pauses longer than `idleMs` are played as long as that; null: nothing is skipped. `pauses`: by time, none overlaps another. */
export const skipsOf = (pauses: Iterable<Pause>, idleMs: number | null): Skip[] => {
  if (idleMs === null) return []
  const skips: Skip[] = []
  for (const [fromUs, toUs] of pauses) {
    const atMs = Math.ceil(fromUs / 1000)
    const lengthMs = Math.floor(toUs / 1000) - atMs
    if (lengthMs > idleMs) skips.push({ atMs, lengthMs, keptMs: idleMs })
  }
  return skips
}

/** Session time and play time, both in integer microseconds, into each other. */
export type PlayClock = { toPlayUs(sessionUs: number): number; toSessionUs(playUs: number): number }

/** Both clocks at the start of a skip, how fast they go in it, and how long it is in each. */
type Bend = { sessionUs: number; playUs: number; lengthUs: number; keptUs: number }

const bendsOf = (skips: readonly Skip[]): Bend[] => {
  let skippedUs = 0
  return skips.map(({ atMs, lengthMs, keptMs }) => {
    const bend = {
      sessionUs: atMs * 1000,
      playUs: atMs * 1000 - skippedUs,
      lengthUs: lengthMs * 1000,
      keptUs: keptMs * 1000,
    }
    skippedUs += bend.lengthUs - bend.keptUs
    return bend
  })
}

/** The last one that begins at or before the time; null: none does. */
const bendAt = (bends: readonly Bend[], us: number, side: 'sessionUs' | 'playUs'): Bend | null => {
  let [low, high] = [0, bends.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (bends[middle]![side] <= us) low = middle + 1
    else high = middle
  }
  return low === 0 ? null : bends[low - 1]!
}

/** Inside of a skip play time goes on evenly, so that each moment of the session has one of the replay, and in order. */
export const createPlayClock = (skips: readonly Skip[]): PlayClock => {
  const bends = bendsOf(skips)
  return {
    toPlayUs: (sessionUs) => {
      const bend = bendAt(bends, sessionUs, 'sessionUs')
      if (!bend) return sessionUs
      const intoUs = sessionUs - bend.sessionUs
      if (intoUs >= bend.lengthUs) return bend.playUs + bend.keptUs + (intoUs - bend.lengthUs)
      return bend.playUs + Math.round((intoUs * bend.keptUs) / bend.lengthUs)
    },
    toSessionUs: (playUs) => {
      const bend = bendAt(bends, playUs, 'playUs')
      if (!bend) return playUs
      const intoUs = playUs - bend.playUs
      if (intoUs >= bend.keptUs) return bend.sessionUs + bend.lengthUs + (intoUs - bend.keptUs)
      return bend.sessionUs + Math.round((intoUs * bend.lengthUs) / bend.keptUs)
    },
  }
}
