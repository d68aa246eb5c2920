/** Statistics that a few wild values do not move. Samples are short arrays: the last so many observations. */

export const median = (samples: readonly number[]): number => {
  if (samples.length === 0) return 0
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length >>> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Median absolute deviation from the median. */
export const mad = (samples: readonly number[], center = median(samples)): number =>
  median(samples.map((sample) => Math.abs(sample - center)))

// Of a normal distribution, MAD / 0.6745 is the standard deviation.
const perDeviation = 0.6745

/** How many deviations `value` is above what is usual. `floor`: nobody is as regular as five equal days make him look. */
export const robustScore = (samples: readonly number[], value: number, floor: number): number => {
  const center = median(samples)
  return (perDeviation * (value - center)) / Math.max(mad(samples, center), floor)
}

/** `samples` with one more, the oldest dropped beyond `max`. */
export const withSample = <T>(samples: readonly T[], sample: T, max: number): T[] =>
  samples.length < max ? [...samples, sample] : [...samples.slice(samples.length - max + 1), sample]

/** Exponentially weighted mean; `before` null: the first value. */
export const ewma = (before: number | null, value: number, weight: number): number =>
  before === null ? value : before + weight * (value - before)
