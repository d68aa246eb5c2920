const firstMs = 500
const longestMs = 60_000
const longestAskedMs = 3_600_000

/**
 * Before the n-th attempt after a failure: anything up to a bound that doubles ("full jitter"), so that what failed together
 * does not come again together; never before the destination asked for it, which may ask for an hour at most.
 */
export const retryDelayMs = (failures: number, askedMs: number | null, random: number): number => {
  const jittered = random * Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 20))
  return Math.max(jittered, Math.min(askedMs ?? 0, longestAskedMs) * (1 + random / 10))
}
