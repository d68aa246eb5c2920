import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import { robustScore } from '../../baselines/robust.ts'
import { type DayTotal, type Flow, leastBytes, monthEndOf, type Total } from './flow.ts'

/** Whether a total is more than a user ever had reason for. Sizes are compared as logarithms: they spread over powers of ten. */
type Settings = DetectorSettings['bulkTransfer']
export type Measure = 'bytes' | 'files'
/** What is out of the ordinary, and what it was compared with. */
export type Unusual = {
  measure: Measure
  value: number
  usual: number
  most: number
  samples: number
  over: 'day' | 'session' | 'week'
}

// Who hardly ever moves anything has these for a history: otherwise the first file would be a wonder.
const prior: Record<Measure, number> = { bytes: 5_000_000, files: 5 }
const priorSamples = 4
const spreadFloor = 0.4 // of logarithms: a factor of 1.5
const weekSpreadFloor = 0.25
const peakFactor = 3
const levelFactor = 1.5
const weekDays = 7
const activeDays = 4
const raisedFactor = 2
const historyWeeks = 5

const least = (measure: Measure): number => (measure === 'bytes' ? leastBytes : 1)

const filled = (values: readonly number[], value: number, count: number): number[] => [
  ...values,
  ...new Array<number>(Math.max(0, count - values.length)).fill(value),
]

/** `untold`: the values that nobody was alerted of; all of them where that is not known. */
type Compared = {
  values: readonly number[]
  untold?: readonly number[]
  value: number
  prior: number
  count: number
  spread: number
}

/** A level that was reached twice is one that the user's work has. */
const stands = (compared: Compared, { score, peakScore }: Settings): boolean => {
  const { values, untold = values, value, prior, count, spread } = compared
  const history = filled(values, prior, count)
  const second = history.toSorted((a, b) => b - a)[1]!
  if (value <= levelFactor * second) return false
  const most = Math.max(prior, ...untold)
  const z = robustScore(history.map(Math.log1p), Math.log1p(value), spread)
  return z > score || (z > peakScore && value > peakFactor * most)
}

const usualOf = (values: readonly number[], prior: number): number =>
  values.length === 0 ? prior : values.toSorted((a, b) => a - b)[values.length >>> 1]!

const compare = (
  measure: Measure,
  over: Unusual['over'],
  compared: Compared,
  floor: number,
  settings: Settings,
): Unusual | null => {
  const { value, values } = compared
  if (value < floor || !stands(compared, settings)) return null
  return {
    measure,
    over,
    value,
    usual: usualOf(values, compared.prior),
    most: Math.max(0, ...values),
    samples: values.length,
  }
}

const isMonthEndAsBefore = ({ months }: Flow, { day }: DayTotal, measure: Measure, value: number): boolean => {
  const month = monthEndOf(day)
  return month !== null && months.some((one) => one.month < month && value <= peakFactor * one[measure])
}

const floorOf = ({ floorBytes, floorFiles }: Settings, measure: Measure): number =>
  measure === 'bytes' ? floorBytes : floorFiles

/** Of a day, or of one of its sessions. `factor`: of the floors. */
export const unusualDay = (
  flow: Flow,
  today: DayTotal,
  session: Total | null,
  factor: number,
  settings: Settings,
): Unusual | null => {
  for (const measure of ['bytes', 'files'] as const) {
    const floor = factor * floorOf(settings, measure)
    if (today[measure] < floor) continue
    if (isMonthEndAsBefore(flow, today, measure, today[measure])) continue
    const common = { prior: prior[measure], count: priorSamples, spread: spreadFloor }
    const earlier = flow.days.filter(({ day }) => day < today.day)
    // What nobody was told of was within what the user does.
    if (earlier.some((one) => !one.isTold && one[measure] >= today[measure])) continue
    const valuesOf = (days: readonly DayTotal[]) =>
      days.map((one) => one[measure]).filter((value) => value >= least(measure))
    const values = valuesOf(earlier)
    const untold = valuesOf(earlier.filter(({ isTold }) => !isTold))
    const found =
      compare(measure, 'day', { ...common, values, untold, value: today[measure] }, floor, settings) ??
      (session &&
        compare(
          measure,
          'session',
          { ...common, values: ofSessions(flow, measure), value: session[measure] },
          floor,
          settings,
        ))
    if (found) return found
  }
  return null
}

const ofSessions = ({ sessions }: Flow, measure: Measure): number[] =>
  sessions.map((one) => one[measure]).filter((value) => value >= least(measure))

/** The days of the last seven that were not alerted by themselves. */
export const weekOf = ({ days }: Flow, today: number): DayTotal[] =>
  days.filter(({ day, isTold }) => day > today - weekDays && day <= today && !isTold)

/** One large day is judged as a day. */
const withoutPeak = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) - Math.max(0, ...values)

const earlierWeeks = ({ days }: Flow, today: number, measure: Measure): number[] => {
  const weeks = Array.from({ length: historyWeeks }, (): number[] => [])
  for (const one of days) weeks[Math.floor((today - one.day) / weekDays) - 1]?.push(one[measure])
  return weeks.map(withoutPeak).filter((sum) => sum >= least(measure))
}

/** Most of its days are above what the user's days are, not one or two. */
const isRaised = ({ days }: Flow, week: readonly DayTotal[], today: number, measure: Measure): boolean => {
  const earlier = days.filter(({ day }) => day <= today - weekDays).map((one) => one[measure])
  const usual = usualOf(
    earlier.filter((value) => value >= least(measure)),
    0,
  )
  return week.filter((one) => one[measure] > raisedFactor * usual).length >= activeDays
}

/** A little more each day than ever before. */
export const unusualWeek = (flow: Flow, today: number, factor: number, settings: Settings): Unusual | null => {
  const week = weekOf(flow, today)
  for (const measure of ['bytes', 'files'] as const) {
    const value = withoutPeak(week.map((one) => one[measure]))
    const floor = factor * settings.weekFactor * floorOf(settings, measure)
    if (value < floor || !isRaised(flow, week, today, measure)) continue
    const compared = {
      values: earlierWeeks(flow, today, measure),
      value,
      prior: prior[measure] * activeDays,
      count: 3,
      spread: weekSpreadFloor,
    }
    const found = compare(measure, 'week', compared, floor, settings)
    if (found) return found
  }
  return null
}

export const isAboveCeiling = ({ bytes, files }: Total, { ceilingBytes, ceilingFiles }: Settings): boolean =>
  bytes > ceilingBytes || files > ceilingFiles
