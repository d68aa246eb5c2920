import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import { type ActiveDays, withDay } from '../../baselines/active-days.ts'
import { offsetMsOf, type WallTime } from '../../directory/zone-time.ts'
import { dayMs } from '../../utc-day.ts'

const hourMs = 3_600_000
const weekHours = 168

export type HourSettings = DetectorSettings['offHours']

/**
 * On how many days a user logged in, by hour of the week. All weights grow with time instead of fading, in units of those at
 * `unitMs`: only shares are asked for.
 */
export type HourHistory = {
  bins: readonly number[]
  total: number // days
  unitMs: number
  zone: string | null // of the hours; null: not known, they are UTC
  today: { day: number; hours: number } | null // one bit for each hour that is in the bins
  freeDays: ActiveDays // with logins
}

export const noHours: HourHistory = {
  bins: new Array<number>(weekHours).fill(0),
  total: 0,
  unitMs: 0,
  zone: null,
  today: null,
  freeDays: [],
}

const rounded = (weight: number): number => Number(weight.toPrecision(5))
const maxWeight = 1_000

/** In units of another time, before numbers grow too large. */
const inUnitsOf = (history: HourHistory, unitMs: number, halfLifeMs: number): HourHistory => {
  const factor = history.unitMs === 0 ? 0 : 2 ** ((history.unitMs - unitMs) / halfLifeMs)
  return {
    ...history,
    unitMs,
    bins: history.bins.map((weight) => rounded(weight * factor)),
    total: rounded(history.total * factor),
  }
}

/** In the hours of another zone. A person who moves takes habits along; a zone that was not known before is no move. */
export const inZone = (history: HourHistory, zone: string | null, atMs: number): HourHistory => {
  if (history.zone === zone) return history
  if (history.zone !== null && zone !== null) return { ...history, zone, today: null }
  const shift = (offsetMsOf(zone ?? 'UTC', atMs) - offsetMsOf(history.zone ?? 'UTC', atMs)) / hourMs
  const by = ((Math.round(shift) % weekHours) + weekHours) % weekHours
  const bins = history.bins.map((_, hour) => history.bins[(hour - by + weekHours) % weekHours]!)
  return { ...history, zone, bins, today: null }
}

/** With one more login. The same history where this hour of this day is in it. */
export const withLogin = (
  history: HourHistory,
  wall: WallTime,
  { timeMs, isFree, settings }: { timeMs: number; isFree: boolean; settings: HourSettings },
): HourHistory => {
  const { today } = history
  const isToday = today?.day === wall.day
  const bit = 1 << wall.hour
  if (isToday && (today.hours & bit) !== 0) return history
  const halfLifeMs = settings.halfLifeDays * dayMs
  const isStale = history.unitMs === 0 || 2 ** ((timeMs - history.unitMs) / halfLifeMs) > maxWeight
  const { bins, total, unitMs } = isStale ? inUnitsOf(history, timeMs, halfLifeMs) : history
  const weight = 2 ** ((timeMs - unitMs) / halfLifeMs)
  const bin = wall.weekday * 24 + wall.hour
  return {
    ...history,
    unitMs,
    bins: bins.with(bin, rounded(bins[bin]! + weight)),
    total: isToday ? total : rounded(total + weight),
    today:
      today === null || wall.day >= today.day ? { day: wall.day, hours: (isToday ? today.hours : 0) | bit } : today,
    freeDays: isFree ? withDay(history.freeDays, wall.day, freeDaysKept) : history.freeDays,
  }
}
const freeDaysKept = 120

/** Days that count, faded as they are by now. */
export const daysSeen = ({ total, unitMs }: HourHistory, timeMs: number, { halfLifeDays }: HourSettings): number =>
  total * 2 ** ((unitMs - timeMs) / (halfLifeDays * dayMs))

const at = (shares: readonly number[], hour: number): number => shares[(hour + 24) % 24]!

/** An hour seen on a single day is no habit, however few days there are. */
const minHabitDays = 1.5

/**
 * Hours of the day with logins. `usual`: seen on more than a few days. `core`: where most of the work is done. Both have what was
 * seen in the hours beside them included by half.
 */
export type HoursSeen = { usual: readonly boolean[]; core: readonly boolean[] }

export const hoursSeen = (history: HourHistory, timeMs: number, settings: HourSettings): HoursSeen => {
  const { bins, total } = history
  const shares = new Array<number>(24).fill(0)
  if (total > 0) for (let bin = 0; bin < weekHours; bin++) shares[bin % 24]! += bins[bin]! / total
  const seenOn = (least: number): boolean[] =>
    shares.map((share, hour) => share > 0 && share + (at(shares, hour - 1) + at(shares, hour + 1)) / 2 >= least)
  const least = minHabitDays / daysSeen(history, timeMs, settings)
  const usual = seenOn(Math.max(settings.usualShare, least))
  const core = seenOn(Math.max(settings.coreShare, least))
  return { usual, core: core.includes(true) ? core : usual }
}

/** Where the longest stretch of unusual hours ends. */
const morningOf = (usual: readonly boolean[]): number => {
  let [morning, longest] = [0, -1]
  for (let hour = 0; hour < 24; hour++) {
    if (!usual[hour]) continue
    let length = 0
    while (length < 24 && !usual[(hour - 1 - length + 48) % 24]) length++
    if (length > longest) [morning, longest] = [hour, length]
  }
  return morning
}

/** Who is always seen in the morning may come in the afternoon: a working day lasts so many hours from its first one. */
export const withWorkday = (usual: readonly boolean[], { workdayHours }: HourSettings): readonly boolean[] => {
  if (!usual.includes(true)) return [...usual]
  const morning = morningOf(usual)
  return usual.map((isUsual, hour) => isUsual || (hour - morning + 24) % 24 < workdayHours)
}

const isNear = (hours: readonly boolean[], hour: number, ahead: number, ago: number): boolean => {
  for (let h = 0; h < ahead; h++) if (hours[(hour + h) % 24]) return true
  for (let h = 0; h < ago; h++) if (hours[(hour - h + 48) % 24]) return true
  return false
}

const besideHours = 2
/** Between one and six most people sleep, however late they work. */
const isSmallHour = (hour: number): boolean => hour >= 1 && hour < 6
const smallLateHours = 3

/**
 * Whether an hour is far from all usual ones. Work ends late more often than it begins early; what is done now and then
 * stretches less far than what is done on most days.
 */
export const isFarFrom = (
  { usual, core }: HoursSeen,
  hour: number,
  isZoneKnown: boolean,
  { earlyHours, lateHours }: HourSettings,
): boolean => {
  if (!usual.includes(true) || isNear(usual, hour, besideHours, besideHours)) return false
  const ago = isZoneKnown && isSmallHour(hour) ? Math.min(lateHours, smallLateHours) : lateHours
  return !isNear(core, hour, earlyHours, ago)
}

const clock = (hour: number): string => `${String(hour % 24).padStart(2, '0')}:00`

/** `07:00-19:00, 22:00-23:00` */
export const hoursText = (usual: readonly boolean[]): string => {
  const starts = usual.flatMap((isUsual, hour) => (isUsual && !usual[(hour + 23) % 24] ? [hour] : []))
  if (starts.length === 0) return usual[0] ? 'any hour' : 'no hour'
  const ranges = starts.map((start) => {
    let length = 1
    while (usual[(start + length) % 24]) length++
    return `${clock(start)}-${clock(start + length)}`
  })
  return ranges.join(', ')
}
