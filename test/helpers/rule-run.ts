import type { Directory } from '#detectors/directory/directory.ts'
import { emptyFolded, type FoldContext, foldEvent, type Incident, type Program } from '#detectors/engine/folded.ts'
import { type GeoLookup, noGeo } from '#detectors/geo/geo.ts'
import type { AnyRule, Finding, Observed, OriginFacts } from '#detectors/rule.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { directoryOf } from './directory-of.ts'

export type Login = {
  at: string | number
  ip: string
  origin?: Partial<OriginFacts>
  bastion?: string
  isHistory?: boolean
}

/** A login of alice; its session is named by the time. */
export const loginAt = ({ at, ip, origin, bastion = 'b1' }: Login): Observed => {
  const timeMs = typeof at === 'number' ? at : Date.parse(at)
  const iso = new Date(timeMs).toISOString()
  const event = SessionEvent.parse({
    id: `login ${iso} ${ip}`,
    at: iso,
    source: 'openssh',
    bastion,
    user: 'alice',
    sourceIp: ip,
    sessionId: `s ${iso}`,
    kind: 'login',
    method: 'publickey',
  })
  return { event, timeMs, origin: { otherUsers: 0, networkUsers: 0, failures: 0, failedUsers: 0, ...origin } }
}

export type RunOptions = { directory?: Directory; geo?: GeoLookup; settings?: Record<string, unknown> }

/** What the rule says of alice in the end: the last finding of each window, in order of time; and what it knows. */
export const runRule = (rule: AnyRule, logins: readonly Login[], options: RunOptions = {}) => {
  const { directory = directoryOf({}), geo = noGeo, settings = {} } = options
  const program: Program = { rules: [rule], annotator: null }
  const context: FoldContext = { directory, geo, settings: DetectorSettings.parse(settings) }
  const last = new Map<string, Incident>()
  let folded = emptyFolded(program)
  for (const login of logins) {
    folded = foldEvent(
      program,
      folded,
      loginAt(login),
      context,
      { kind: 'user', key: 'alice' },
      {
        isHistory: login.isHistory ?? false,
      },
    )
    for (const [key, incident] of Object.entries(folded.incidents)) last.set(key, incident)
  }
  const findings: Finding[] = [...last.values()].map(({ finding }) => finding)
  return {
    findings: findings.sort((a, b) => a.firstEventMs - b.firstEventMs),
    alerts: findings.filter(({ severity }) => severity !== 'info'),
    state: folded.rules[rule.id],
  }
}

const dayMs = 86_400_000

/** Logins on the working days of some weeks, at these UTC hours. */
export const workingWeeks = (
  firstMonday: string,
  weeks: number,
  { hours = [8, 10, 13], ip = '198.51.100.7', weekdays = [0, 1, 2, 3, 4] }: Partial<Habit> = {},
): Login[] =>
  Array.from({ length: weeks }, (_, week) => weekdays.map((weekday) => week * 7 + weekday))
    .flat()
    .flatMap((day) =>
      hours.map((hour) => ({
        // Some minutes apart from day to day, as people are.
        at:
          Date.parse(`${firstMonday}T00:00:00Z`) +
          day * dayMs +
          hour * 3_600_000 +
          ((day * 17 + hour * 7) % 60) * 60_000,
        ip,
      })),
    )
type Habit = { hours: number[]; ip: string; weekdays: number[] }
