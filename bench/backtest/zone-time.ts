const dayMs = 86_400_000
const offsets = new Map<string, number>()

/** What a zone is ahead of UTC at that hour. */
const offsetMs = (zone: string, atMs: number): number => {
  const hour = Math.floor(atMs / 3_600_000)
  const name = `${zone} ${hour}`
  const known = offsets.get(name)
  if (known !== undefined) return known
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(atMs)
  const text = parts.find(({ type }) => type === 'timeZoneName')!.value
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(text)
  const offset = match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000 : 0
  if (offsets.size > 200_000) offsets.clear()
  offsets.set(name, offset)
  return offset
}

/** Unix ms of an hour (may be a fraction, or beyond 24) of a local day; `dayUtcMs`: that date at 00:00 UTC. */
export const localMs = (zone: string, dayUtcMs: number, hour: number): number => {
  const asUtc = dayUtcMs + hour * 3_600_000
  return Math.round(asUtc - offsetMs(zone, asUtc - offsetMs(zone, asUtc)))
}

export const isoDate = (dayUtcMs: number): string => new Date(dayUtcMs).toISOString().slice(0, 10)
/** Monday is 1. */
export const weekday = (dayUtcMs: number): number => ((Math.floor(dayUtcMs / dayMs) + 3) % 7) + 1
