import { dayMs } from '../utc-day.ts'
/** Local time by IANA zone, without asking Intl twice about the same day: no zone changes its mind twice in one. */

export const hourMs = 3_600_000

const maxSteps = 20_000 // per zone
const maxZones = 1_000
const formats = new Map<string, { format: Intl.DateTimeFormat; offsets: Map<number, number> }>()

const zoneOf = (zone: string) => {
  const known = formats.get(zone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const made = { format, offsets: new Map<number, number>() }
  if (formats.size >= maxZones) formats.clear()
  formats.set(zone, made)
  return made
}

const compute = (format: Intl.DateTimeFormat, atMs: number): number => {
  const part: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(atMs)) part[type] = Number(value)
  return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!) - atMs
}

/** Ahead of UTC at that time, ms. */
export const offsetMsOf = (zone: string, atMs: number): number => {
  if (zone === 'UTC') return 0
  const { format, offsets } = zoneOf(zone)
  const stepAt = (stepMs: number): number => {
    const known = offsets.get(stepMs)
    if (known !== undefined) return known
    if (offsets.size >= maxSteps) offsets.clear()
    const offsetMs = compute(format, stepMs)
    offsets.set(stepMs, offsetMs)
    return offsetMs
  }
  for (const lengthMs of [dayMs, hourMs]) {
    const startMs = Math.floor(atMs / lengthMs) * lengthMs
    const offsetMs = stepAt(startMs)
    if (offsetMs === stepAt(startMs + lengthMs)) return offsetMs
  }
  return compute(format, Math.floor(atMs / 1000) * 1000)
}

/** What a clock on the wall says. `day`: days since 1970-01-01; `weekday`: 0 = Monday. */
export type WallTime = { day: number; weekday: number; hour: number; minute: number }

export const wallTime = (zone: string, atMs: number): WallTime => {
  const localMs = atMs + offsetMsOf(zone, atMs)
  const day = Math.floor(localMs / dayMs)
  const inDayMs = localMs - day * dayMs
  const hour = Math.floor(inDayMs / hourMs)
  return { day, weekday: (((day + 3) % 7) + 7) % 7, hour, minute: Math.floor((inDayMs - hour * hourMs) / 60_000) }
}

/** When clocks on the wall say this. In the hour that exists twice the first, in the one that is skipped the hour after. */
export const momentOfWall = (zone: string, wallMs: number): number => {
  const before = wallMs - offsetMsOf(zone, wallMs - dayMs)
  if (before + offsetMsOf(zone, before) === wallMs) return before
  const after = wallMs - offsetMsOf(zone, wallMs + dayMs)
  return after + offsetMsOf(zone, after) === wallMs ? after : before
}
