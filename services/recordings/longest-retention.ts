/** The latest date that a store takes now: for what must outlive all evidence that stands already. */
export const longestRetention = (nowMs: number, maxRetentionYears: number): Date => {
  const until = new Date(nowMs)
  until.setUTCFullYear(until.getUTCFullYear() + maxRetentionYears)
  return until
}
