import type { WallTime } from '../../directory/zone-time.ts'
import type { Finding, Observed, RuleContext } from '../../rule.ts'
import { dayMs } from '../../utc-day.ts'
import { plural } from '../wording.ts'
import { hoursText } from './hour-history.ts'
import type { Verdict } from './verdict.ts'

const two = (value: number): string => String(value).padStart(2, '0')
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const dateOf = ({ day }: WallTime): string => new Date(day * dayMs).toISOString().slice(0, 10)

/** What is said of the first login of a night. */
export const findingOf = (verdict: Verdict, observed: Observed, wall: WallTime, context: RuleContext): Finding => {
  const { event, timeMs } = observed
  const { directory, facts, subject } = context
  const user = subject.key
  const zone = directory.hasZone(user, timeMs) ? directory.zoneOf(user, timeMs) : 'UTC, the zone is not known'
  const clock = `${weekdays[wall.weekday]} ${dateOf(wall)} ${two(wall.hour)}:${two(wall.minute)}`
  const historyDays = Math.max(0, Math.round((timeMs - (facts.firstAtMs || timeMs)) / dayMs))
  const expected = verdict.isFar
    ? `logins at ${hoursText(verdict.usual)}`
    : `no logins on free days, of which there were none in ${plural(historyDays, 'day')}`
  return {
    window: `${dateOf(wall)} ${two(wall.hour)}h`,
    severity: verdict.severity,
    title: `${user} logged in at an unusual ${verdict.isFar ? 'hour' : 'day'}: ${clock}`,
    explanation:
      `${user} logged in to ${event.bastion} on ${clock} (${zone}). ` +
      `Over ${plural(historyDays, 'day')} and ${plural(facts.loginCount, 'login')} the expectation is: ${expected}.` +
      (verdict.why.length > 0 ? ` To be weighed: ${verdict.why.join('; ')}.` : ''),
    baseline: { observed: clock, expected, historySize: facts.loginCount, historyDays },
    user,
    sourceIp: event.sourceIp ?? null,
    bastion: event.bastion,
    sessionIds: event.sessionId ? [event.sessionId] : [],
    count: 1,
    firstEventMs: timeMs,
    lastEventMs: timeMs,
  }
}
