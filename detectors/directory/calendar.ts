import type { DirectoryPolicy, DirectoryRow } from '#services/schema/directory.ts'
import { dayMs } from '../utc-day.ts'
import type { People } from './people.ts'
import { wallTime } from './zone-time.ts'

export type Calendar = {
  isHoliday(user: string, atMs: number): boolean
  isWorkingDay(user: string, atMs: number): boolean
  isOfficeHours(user: string, atMs: number): boolean
}

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** 0 = Monday. By name, or as ISO counts: 1 = Monday, 7 (or 0) = Sunday. */
const weekdayOf = (day: string | number): number | null => {
  const text = String(day).trim().toLowerCase()
  if (/^[0-7]$/.test(text)) return (Number(text) + 6) % 7
  const found = dayNames.indexOf(text.slice(0, 3))
  return found < 0 ? null : found
}

const fromTo = (first: number, last: number): number[] =>
  Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, n) => (first + n) % 7)

/** `Mon-Fri`, `Mon,Wed`, or a list. What is no day is left out. */
const weekdaysOf = (days: string | (string | number)[]): Set<number> => {
  const parts = typeof days === 'string' ? days.split(/[,\s]+/) : days
  return new Set(
    parts.flatMap((part) => {
      const [first = null, last = null] = String(part).split(/[-–]/).map(weekdayOf)
      if (first === null) return []
      return last === null ? [first] : fromTo(first, last)
    }),
  )
}

const minuteOf = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

/** Of people whose country is not told, no day is a holiday. One without a country is one everywhere. */
export const createCalendar = (
  { officeHours }: DirectoryPolicy,
  rows: readonly DirectoryRow<'holidays'>[],
  people: People,
): Calendar => {
  const fromMinute = minuteOf(officeHours?.from ?? '08:00')
  const toMinute = minuteOf(officeHours?.to ?? '18:00')
  const named = weekdaysOf(officeHours?.days ?? 'Mon-Fri')
  const weekdays = named.size > 0 ? named : weekdaysOf('Mon-Fri')
  const holidays = new Set(rows.map(({ country, date }) => `${country ?? ''} ${Date.parse(date) / dayMs}`))
  const wall = (user: string, atMs: number) => wallTime(people.zone(user, atMs) ?? 'UTC', atMs)
  const isHolidayOn = (user: string, atMs: number, day: number): boolean => {
    if (holidays.size === 0) return false
    const country = people.person(user, atMs)?.country
    return holidays.has(` ${day}`) || (country != null && holidays.has(`${country} ${day}`))
  }
  const isWorking = (user: string, atMs: number, { day, weekday }: { day: number; weekday: number }): boolean =>
    weekdays.has(weekday) && !isHolidayOn(user, atMs, day)
  return {
    isHoliday: (user, atMs) => isHolidayOn(user, atMs, wall(user, atMs).day),
    isWorkingDay: (user, atMs) => isWorking(user, atMs, wall(user, atMs)),
    isOfficeHours: (user, atMs) => {
      const now = wall(user, atMs)
      const minute = now.hour * 60 + now.minute
      const isWithin =
        fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute
      return isWithin && isWorking(user, atMs, now)
    },
  }
}
