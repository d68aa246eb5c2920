/** Days (since 1970) on which something happened, ascending. */
export type ActiveDays = readonly number[]

/** `days` with one more; the same list when it is there already, and none older than `maxDays` before the last. */
export const withDay = (days: ActiveDays, day: number, maxDays: number): ActiveDays => {
  const last = days.at(-1)
  if (last === day || days.includes(day)) return days
  const newest = Math.max(day, last ?? day)
  if (day <= newest - maxDays) return days
  const all = last === undefined || day > last ? [...days, day] : [...days, day].sort((a, b) => a - b)
  return all.filter((one) => one > newest - maxDays)
}
