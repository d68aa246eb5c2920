import type { WallTime } from '../../directory/zone-time.ts'
import { type Finding, type Observed, quiet, type RuleContext, type Step } from '../../rule.ts'
import { dayMs } from '../../utc-day.ts'
import { plural, span } from '../wording.ts'
import { findingOf } from './finding.ts'
import { noHours } from './hour-history.ts'
import { type From, type HoursState, isSame, type Night, withAnother } from './state.ts'
import type { Verdict } from './verdict.ts'

const hourMs = 3_600_000
const openMs = 48 * hourMs // the engine adds nothing to what was quiet for longer

const isOneNight = (before: Finding, timeMs: number, gapMs: number): boolean =>
  timeMs - before.lastEventMs < gapMs && timeMs - before.firstEventMs < dayMs

/** One more login of a night that was told; told anew if it makes it worse. */
const nightWith = (before: Finding, verdict: Verdict, observed: Observed, make: () => Finding): Finding => {
  const grown = withAnother(before, observed)
  if (severities.indexOf(verdict.severity) <= severities.indexOf(before.severity)) return grown
  const { title, explanation, severity, sourceIp, baseline } = make()
  return { ...grown, title, explanation, severity, sourceIp, baseline }
}
const severities: Finding['severity'][] = ['info', 'low', 'medium', 'high', 'critical']
const maxFindings = 3

/** Is it one more of the night that is told already, or the first of another? */
export const nightAfter = (
  { night }: HoursState,
  verdict: Verdict,
  observed: Observed,
  { wall, from }: { wall: WallTime; from: From | null },
  context: RuleContext,
): Night => {
  const { timeMs } = observed
  const make = (): Finding => findingOf(verdict, observed, wall, context)
  const current = night?.findings.at(-1)
  const isStay = night !== null && from !== null && night.from !== null && isSame(night.from, from)
  if (night && current && isOneNight(current, timeMs, context.settings.offHours.gapMs)) {
    const stay = isStay || from === null ? night : { ...night, from, sinceMs: timeMs, there: 0, elsewhere: 0 }
    return { ...stay, findings: [...night.findings.slice(0, -1), nightWith(current, verdict, observed, make)] }
  }
  if (isStay) return { ...night, findings: [...night.findings, make()].slice(-maxFindings) }
  return { findings: [make()], from, sinceMs: timeMs, there: 0, elsewhere: 0 }
}

const moved = (finding: Finding, there: number, sinceMs: number, timeMs: number): Finding => ({
  ...finding,
  severity: 'info',
  isOver: true,
  explanation: `${finding.explanation} Since then: ${plural(there, 'login')} from there over ${span(timeMs - sinceMs)}, none from elsewhere: the user seems to be away.`,
})

/** What any login means for the nights that were told: is the user where they came from now? */
export const withWhereabouts = (
  state: HoursState,
  from: From,
  observed: Observed,
  context: RuleContext,
): Step<HoursState> => {
  const { timeMs } = observed
  const isBack = state.away !== null && !isSame(state.away, from) && state.places.some((place) => isSame(place, from))
  const here = isBack ? { ...state, away: null } : state
  const { night } = here
  if (night === null || night.from === null) return quiet(here)
  const open = night.findings.filter(({ lastEventMs }) => timeMs - lastEventMs < openMs)
  if (open.length === 0) return quiet({ ...here, night: null })
  if (!isSame(night.from, from)) return quiet({ ...here, night: { ...night, elsewhere: night.elsewhere + 1 } })
  const there = night.there + 1
  const { settleLogins, settleMs } = context.settings.newSourceIp
  const hasMoved = night.elsewhere === 0 && there >= settleLogins && timeMs - night.sinceMs >= settleMs
  if (!hasMoved) return quiet({ ...here, night: { ...night, there } })
  const away = { ...from, untilMs: timeMs + context.settings.offHours.awayDays * dayMs, history: noHours }
  const nights = here.nights.filter((one) => one < Math.floor(night.sinceMs / dayMs) - 1) // those were no nights there
  return {
    state: { ...here, night: null, away, nights },
    findings: open.map((finding) => moved(finding, there, night.sinceMs, timeMs)),
  }
}
