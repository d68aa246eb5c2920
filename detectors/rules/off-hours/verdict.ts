import type { Severity } from '#services/schema/alert.ts'
import { isLearning } from '../../baselines/learning.ts'
import type { Observed, RuleContext } from '../../rule.ts'
import { isExpected, plannedReason } from './excuse.ts'
import { isMachine } from './policy-hours.ts'
import type { HoursState } from './state.ts'

/** How the hour of a login stands to those of the user's past. */
export type Reading = { usual: readonly boolean[]; isFar: boolean }
/** What to think of it. When the hour is not far, it is the day. */
export type Verdict = Reading & { severity: Severity; why: readonly string[] }

const ladder = ['low', 'medium', 'high'] as const
const weekMs = 7 * 86_400_000

type Circumstances = { reading: Reading; isNewPlace: boolean; night: number }

/** A weekend day on which the user never comes. People do work on a holiday, and look in from their leave. */
const isOddDay = (
  { history }: HoursState,
  { timeMs }: Observed,
  { directory, settings, subject, facts }: RuleContext,
) =>
  !directory.isWorkingDay(subject.key, timeMs) &&
  !directory.isHoliday(subject.key, timeMs) &&
  !directory.isOnLeave(subject.key, timeMs) &&
  history.freeDays.length === 0 &&
  timeMs - facts.firstAtMs >= settings.offHours.freeWeeks * weekMs

const aggravations = (
  { timeMs, origin }: Observed,
  isNewPlace: boolean,
  { directory, settings, subject }: RuleContext,
): string[] => {
  const failures = origin?.failures ?? 0
  return [
    ...(isNewPlace ? ['it came from a network that is new for this user'] : []),
    ...(failures >= settings.newSourceIp.failures ? [`${failures} attempts failed from there in the hour before`] : []),
    ...(directory.isOnLeave(subject.key, timeMs) ? ['the user is on leave'] : []),
  ]
}

/** Of a login outside of the policy's hours. Null: nothing to say. */
export const verdictOf = (
  state: HoursState,
  observed: Observed,
  { reading, isNewPlace, night }: Circumstances,
  context: RuleContext,
): Verdict | null => {
  const { settings } = context
  if (isLearning(context, observed.timeMs)) return null
  if (reading.usual.filter(Boolean).length >= settings.offHours.anyHours) return null
  const isService = isMachine(observed, context)
  if (!reading.isFar && (isService || isNewPlace || !isOddDay(state, observed, context))) return null
  if (isExpected(state, observed, { isNewPlace, night }, context)) return null
  const planned = plannedReason(observed, context)
  if (planned !== null) return { ...reading, severity: 'info', why: [planned] }
  const why = aggravations(observed, isNewPlace, context)
  const severity = ladder[Math.min(ladder.length - 1, why.length + (isService ? 1 : 0))]!
  return { ...reading, severity, why }
}
