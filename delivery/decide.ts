import type { Alert } from '#services/schema/alert.ts'
import { Severity } from '#services/schema/alert.ts'
import type { Notify } from '#services/schema/sink-settings.ts'
import type { EffectiveStatus } from '#services/sinks/notice.ts'
import type { Desk } from './desk.ts'
import type { Mark } from './mark.ts'

const dayMs = 86_400_000
/** Whoever imports a year of history must not be paged for it. */
const pastMs = dayMs

export type DecideOptions = {
  minSeverity: Severity
  notify: Pick<Notify, 'stormMessages' | 'stormMs'>
  isSuppressed: boolean
  nowMs: number
}
export type Decision = { notice: { status: EffectiveStatus } | null; mark: Mark; desk: Desk }

const rank = (severity: Severity): number => Severity.options.indexOf(severity)
const higher = (a: Severity, b: Severity): Severity => (rank(a) >= rank(b) ? a : b)
const utcDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The detectors' own records know nothing of what a person decided. */
const statusOf = (alert: Alert, mark: Mark | null): EffectiveStatus => {
  if (alert.withdrawn) return 'withdrawn'
  return alert.triage?.status ?? mark?.triage ?? alert.status
}

/** What is told of an alert in this status: null when that was told, or is nobody's business. */
const newsOf = (status: EffectiveStatus, severity: Severity, told: Mark['told']): EffectiveStatus | null => {
  const { open } = told
  if (status === 'open') return open === undefined || rank(severity) > rank(open) ? 'open' : null
  if (open === undefined) return null // nobody was told that there is something
  if (told[status] === undefined) return status
  return status === 'acknowledged' && rank(severity) > rank(open) ? 'open' : null
}

const countFirst = (digest: Desk['digest'], alert: Alert, why: 'suppressed' | 'past' | null): Desk['digest'] => {
  if (why !== null) return { ...digest, [why]: digest[why] + 1 }
  const name = `${alert.rule} ${alert.severity}`
  return { ...digest, rules: { ...digest.rules, [name]: (digest.rules[name] ?? 0) + 1 } }
}

const countFinding = (digest: Desk['digest'], { rule, count }: Alert, mark: Mark | null): Desk['digest'] => {
  const before = digest.findings[rule] ?? { count: 0, attempts: 0 }
  const grown = {
    count: before.count + (mark === null ? 1 : 0),
    attempts: before.attempts + Math.max(0, count - (mark?.counted ?? 0)),
  }
  return { ...digest, findings: { ...digest.findings, [rule]: grown } }
}

/** Whether it may be said now, or is one of the "N more". */
const inStorm = (
  desk: Desk,
  severity: Severity,
  { notify, nowMs }: DecideOptions,
): { isCapped: boolean; desk: Desk } => {
  const isOver = desk.storm.held === 0 && Math.abs(nowMs - desk.storm.sinceMs) >= notify.stormMs
  const storm = isOver ? { sinceMs: nowMs, sent: 0, held: 0, highest: 'info' as const } : desk.storm
  if (storm.sent < notify.stormMessages)
    return { isCapped: false, desk: { ...desk, storm: { ...storm, sent: storm.sent + 1 } } }
  const held = { ...storm, held: storm.held + 1, highest: higher(storm.highest, severity) }
  const digest = { ...desk.digest, capped: desk.digest.capped + 1 }
  return { isCapped: true, desk: { storm: held, digest } }
}

/** What becomes of one revision of an alert at a destination that people read. Pure. */
export const decide = (alert: Alert, mark: Mark | null, desk: Desk, options: DecideOptions): Decision => {
  const { minSeverity, isSuppressed, nowMs } = options
  const { severity } = alert
  const status = statusOf(alert, mark)
  const seen: Mark = {
    told: mark?.told ?? {},
    triage: alert.triage?.status ?? mark?.triage ?? null,
    counted: alert.count,
    seenDay: utcDay(nowMs),
  }
  const quiet = (digest: Desk['digest']): Decision => ({ notice: null, mark: seen, desk: { ...desk, digest } })
  if (severity === 'info') return quiet(countFinding(desk.digest, alert, mark))
  const isPast = nowMs - Date.parse(alert.at) > pastMs
  const why = isPast ? 'past' : isSuppressed ? 'suppressed' : null
  const digest = mark === null && !alert.withdrawn ? countFirst(desk.digest, alert, why) : desk.digest
  const news = rank(severity) >= rank(minSeverity) ? newsOf(status, severity, seen.told) : null
  if (why !== null || news === null) return quiet(digest)
  const told = { ...seen, told: { ...seen.told, [status]: severity, [news]: severity } }
  const { isCapped, desk: after } = inStorm({ ...desk, digest }, severity, options)
  return { notice: isCapped ? null : { status: news }, mark: told, desk: after }
}
