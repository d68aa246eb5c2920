import { withSample } from '../../baselines/robust.ts'
import { dayMs } from '../../utc-day.ts'

/** What a user moved in one direction: totals of days, of sessions, and of the days around the end of a month. */
export type Total = { bytes: number; files: number }
export type DayTotal = Total & {
  day: number
  firstMs: number
  lastMs: number
  isTold: boolean
  crossing?: Crossing | null // where it became too much
  sessions: readonly string[]
}
/** A session, and how far into it. */
export type Crossing = { sessionId: string; atMs: number | null }
export type Flow = {
  days: readonly DayTotal[] // in order of days; only those on which something was moved
  sessions: readonly Total[] // that are over
  months: readonly (Total & { month: number })[] // the most of a day around the end of each
}

const maxDays = 40
const maxSessions = 30
const maxMonths = 4
const maxIdsOfDay = 6
const keepIdsDays = 2
/** One for all days: each user has dozens. */
const noIds: readonly string[] = []

export const emptyFlow: Flow = { days: [], sessions: [], months: [] }

/** The month at whose end the day is, give or take a week: books close on working days. Null: it is far from one. */
export const monthEndOf = (day: number): number | null => {
  const date = new Date(day * dayMs).getUTCDate()
  if (date > 5 && date < 25) return null
  const inside = new Date((day + (date <= 5 ? -6 : 0)) * dayMs)
  return inside.getUTCFullYear() * 12 + inside.getUTCMonth()
}

const withDay = (days: readonly DayTotal[], total: DayTotal): readonly DayTotal[] => {
  const at = days.findLastIndex(({ day }) => day <= total.day)
  const isThere = at >= 0 && days[at]!.day === total.day
  const next = isThere ? days.with(at, total) : days.toSpliced(at + 1, 0, total)
  return next.length > maxDays ? next.slice(1) : next
}

const forgetIds = (days: readonly DayTotal[], day: number): readonly DayTotal[] =>
  days.some((one) => one.sessions.length > 0 && one.day < day - keepIdsDays)
    ? days.map((one) => (one.day < day - keepIdsDays ? { ...one, sessions: noIds } : one))
    : days

const emptyDay = (day: number, timeMs: number): DayTotal => ({
  day,
  bytes: 0,
  files: 0,
  firstMs: timeMs,
  lastMs: timeMs,
  isTold: false,
  sessions: noIds,
})

const withMonth = (months: Flow['months'], { day, bytes, files }: DayTotal): Flow['months'] => {
  const month = monthEndOf(day)
  if (month === null) return months
  const before = months.find((one) => one.month === month)
  if (before && before.bytes >= bytes && before.files >= files) return months
  const most = { month, bytes: Math.max(bytes, before?.bytes ?? 0), files: Math.max(files, before?.files ?? 0) }
  return withSample(
    months.filter((one) => one !== before),
    most,
    maxMonths,
  )
}

/** `flow` with so much more moved by a session that belongs to `day`. */
export const moved = (flow: Flow, more: Total, day: number, timeMs: number, sessionId: string | null): Flow => {
  const before = flow.days.find((one) => one.day === day) ?? emptyDay(day, timeMs)
  const isNew = sessionId !== null && before.sessions.length < maxIdsOfDay && !before.sessions.includes(sessionId)
  const total = {
    ...before,
    bytes: before.bytes + more.bytes,
    files: before.files + more.files,
    firstMs: Math.min(before.firstMs, timeMs),
    lastMs: Math.max(before.lastMs, timeMs),
    sessions: isNew ? [...before.sessions, sessionId] : before.sessions,
  }
  return { ...flow, days: forgetIds(withDay(flow.days, total), day), months: withMonth(flow.months, total) }
}

export const toldOf = (flow: Flow, day: number, crossing: Crossing | null): Flow => ({
  ...flow,
  days: flow.days.map((one) => (one.day === day ? { ...one, isTold: true, crossing: one.crossing ?? crossing } : one)),
})

/** Less is a screen that was read, not something that was moved. */
export const leastBytes = 1_000_000

export const withSession = (flow: Flow, { bytes, files }: Total): Flow =>
  bytes < leastBytes && files === 0
    ? flow
    : { ...flow, sessions: withSample(flow.sessions, { bytes, files }, maxSessions) }
