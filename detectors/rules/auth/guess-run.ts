/** Failures of one user, or at anybody, from one network without a success between them. Plain JSON, bounded. */
export type GuessRun = {
  place: string // a network, or an address
  firstMs: number
  lastMs: number
  count: number
  earlier: number // failures before the last long pause
  gapMeanMs: number
  gapSquares: number // sum of squared distances from the mean (Welford), to tell a timer from a hand
  names: readonly { name: string; count: number }[] // whose
}

const maxRuns = 16
export const maxNames = 16
export const keepMs = 24 * 3_600_000

const newRun = (place: string, timeMs: number, earlier: number): GuessRun => ({
  place,
  earlier,
  firstMs: timeMs,
  lastMs: timeMs,
  count: 0,
  gapMeanMs: 0,
  gapSquares: 0,
  names: [],
})

const withName = (names: GuessRun['names'], name: string): GuessRun['names'] => {
  if (names.some((one) => one.name === name))
    return names.map((one) => (one.name === name ? { name, count: one.count + 1 } : one))
  return names.length < maxNames ? [...names, { name, count: 1 }] : names
}

const grown = (run: GuessRun, name: string, timeMs: number): GuessRun => {
  const gapMs = Math.abs(timeMs - run.lastMs)
  const mean = run.count === 0 ? 0 : run.gapMeanMs + (gapMs - run.gapMeanMs) / run.count
  return {
    place: run.place,
    earlier: run.earlier,
    firstMs: Math.min(run.firstMs, timeMs),
    lastMs: Math.max(run.lastMs, timeMs),
    count: run.count + 1,
    gapMeanMs: mean,
    gapSquares: run.count === 0 ? 0 : run.gapSquares + (gapMs - run.gapMeanMs) * (gapMs - mean),
    names: withName(run.names, name),
  }
}

export const runAt = (runs: readonly GuessRun[], place: string, timeMs: number, withinMs: number): GuessRun | null => {
  const run = runs.find((one) => one.place === place)
  return run && timeMs - run.lastMs <= withinMs ? run : null
}

export const withGuess = (
  runs: readonly GuessRun[],
  place: string,
  name: string,
  timeMs: number,
  withinMs: number,
): readonly GuessRun[] => {
  const before = runs.find((one) => one.place === place && one.lastMs > timeMs - keepMs)
  const fresh = newRun(place, timeMs, before ? before.count + before.earlier : 0)
  const run = grown(runAt(runs, place, timeMs, withinMs) ?? fresh, name, timeMs)
  const others = runs.filter((one) => one.place !== place && one.lastMs > timeMs - keepMs)
  return [...others.slice(-(maxRuns - 1)), run]
}

export const withoutRun = (runs: readonly GuessRun[], place: string): readonly GuessRun[] =>
  runs.some((one) => one.place === place) ? runs.filter((one) => one.place !== place) : runs

const regularFrom = 8
const regularShare = 0.2

/** At equal intervals, for longer than a person tries. */
export const isByTimer = ({ count, gapMeanMs, gapSquares, firstMs, lastMs }: GuessRun): boolean =>
  count >= regularFrom &&
  lastMs - firstMs > 30 * 60_000 &&
  Math.sqrt(gapSquares / (count - 1)) <= regularShare * gapMeanMs
