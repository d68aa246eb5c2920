import { statusLimits } from '#services/schema/agent-status.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Finding, RuleContext } from '../../rule.ts'
import { span } from '../wording.ts'

/** What an agent says of itself that will cost recordings, or their worth, if nobody does anything. */
type Health = Extract<SessionEvent, { kind: 'recorder_health' }>
type Gap = 'clock_off' | 'spool_filling' | 'hook_dead'
type Level = 'warn' | 'alert'
type Judged = { key: string; level: Level | null; text: string }
type Incident = {
  sinceMs: number
  lastMs: number // that it was so
  toldMs: number
  worst: Level
  text: string
  count: number
  isOver: boolean
}
/** By gap, and the hook's name behind it. */
export type Troubles = Readonly<Record<string, Incident>>

const maxTroubles = 33
const maxText = 120
const tellEveryMs = 3_600_000
const longestMs = 47 * 3_600_000 // nothing is added to a window that was quiet for longer

const severities: Record<Gap, Record<Level, Finding['severity']>> = {
  clock_off: { warn: 'low', alert: 'medium' },
  spool_filling: { warn: 'low', alert: 'high' },
  hook_dead: { warn: 'high', alert: 'high' },
}
const titles: Record<Gap, string> = {
  clock_off: 'the clock is off',
  spool_filling: 'the spool fills',
  hook_dead: 'a hook hears nothing any more',
}
const expectations: Record<Gap, string> = {
  clock_off: 'clocks of bastion and receiver that agree: times of evidence and the order of alerts rest on them',
  spool_filling: 'what is recorded is taken by the receiver; at 95 % no new session can start',
  hook_dead: 'every hook that was set up can take what its source says',
}

const gapOf = (key: string): Gap => key.split(' ', 1)[0] as Gap
const levelOf = (value: number, warn: number, alert: number): Level | null =>
  value > alert ? 'alert' : value > warn ? 'warn' : null

const ofClock = ({ clockOffsetMs }: Health, { recordingGap }: RuleContext['settings']): Judged[] => {
  if (typeof clockOffsetMs !== 'number') return []
  const { clockWarnMs, clockAlertMs } = recordingGap
  const side = clockOffsetMs > 0 ? 'ahead of' : 'behind'
  const text = `${span(Math.abs(clockOffsetMs))} ${side} the receiver`
  return [{ key: 'clock_off', level: levelOf(Math.abs(clockOffsetMs), clockWarnMs, clockAlertMs), text }]
}
const ofSpool = ({ spoolShare, spoolOldestMs }: Health, { recordingGap }: RuleContext['settings']): Judged[] => {
  if (typeof spoolShare !== 'number') return []
  const { spoolWarnShare, spoolAlertShare } = recordingGap
  const text = `${Math.round(100 * spoolShare)} % full, the oldest waits for ${span(spoolOldestMs ?? 0)}`
  return [{ key: 'spool_filling', level: levelOf(spoolShare, spoolWarnShare, spoolAlertShare), text }]
}
const ofHooks = ({ hooks, at }: Health, known: Troubles): Judged[] => {
  if (!hooks) return []
  const told = hooks.map(({ name, listening, since, lastError }): Judged => {
    const isDead = !listening && Date.parse(at) - Date.parse(since) >= statusLimits.hookDownMs
    const why = lastError === null ? '' : `: ${lastError}`
    return { key: `hook_dead ${name}`, level: isDead ? 'alert' : null, text: `${name} does not listen${why}` }
  })
  const isTold = new Set(told.map(({ key }) => key))
  const gone = Object.keys(known).filter((key) => gapOf(key) === 'hook_dead' && !isTold.has(key))
  return [...told, ...gone.map((key) => ({ key, level: null, text: 'it is not set up any more' }))]
}

const findingOf = (key: string, incident: Incident, bastion: string, { directory }: RuleContext): Finding => {
  const gap = gapOf(key)
  const { sinceMs, lastMs, worst, text, count, isOver } = incident
  const isPlanned = directory.isMaintenance(bastion, lastMs)
  const observed = `${text}, for ${span(lastMs - sinceMs)}${isOver ? '; it is over' : ''}`
  const why = isPlanned ? ' No alert: maintenance.' : ''
  return {
    window: `${key} ${sinceMs}`,
    severity: isPlanned ? 'info' : severities[gap][worst],
    title: `${bastion}: ${titles[gap]}`,
    explanation: `${observed}. Expected: ${expectations[gap]}.${why}`,
    baseline: null,
    bastion,
    gap,
    count,
    firstEventMs: sinceMs,
    lastEventMs: lastMs,
    isOver,
  }
}

const begun = (timeMs: number, { level, text }: Judged): Incident => ({
  sinceMs: timeMs,
  lastMs: timeMs,
  toldMs: timeMs,
  worst: level!,
  text: text.slice(0, maxText),
  count: 1,
  isOver: false,
})

/** Null: nothing is wrong, nor was it. What is back soon is the same incident, or a clock on the edge would be a hundred. */
const next = (before: Incident | undefined, judged: Judged, timeMs: number, quietMs: number): Incident | null => {
  const quietForMs = before ? timeMs - before.lastMs : Number.POSITIVE_INFINITY
  if (judged.level === null) {
    if (before && !before.isOver)
      return { ...before, lastMs: Math.max(before.lastMs, timeMs), toldMs: timeMs, isOver: true }
    return before && quietForMs <= quietMs ? before : null
  }
  if (!before || quietForMs > (before.isOver ? quietMs : longestMs)) return begun(timeMs, judged)
  const worst = before.worst === 'alert' ? 'alert' : judged.level
  const isNews = before.isOver || worst !== before.worst || timeMs - before.toldMs >= tellEveryMs
  return {
    ...before,
    lastMs: Math.max(before.lastMs, timeMs),
    toldMs: isNews ? timeMs : before.toldMs,
    worst,
    text: judged.text.slice(0, maxText),
    count: before.count + (before.isOver ? 1 : 0),
    isOver: false,
  }
}

/** Judges what the event says; what it does not speak of stays as it was. */
export const troublesAfter = (
  troubles: Troubles,
  event: Health,
  timeMs: number,
  context: RuleContext,
): { troubles: Troubles; findings: Finding[] } => {
  const { settings } = context
  const findings: Finding[] = []
  const after: Record<string, Incident> = { ...troubles }
  for (const judged of [...ofClock(event, settings), ...ofSpool(event, settings), ...ofHooks(event, troubles)]) {
    const { key } = judged
    const before = troubles[key]
    const incident = next(before, judged, timeMs, settings.recordingGap.quietMs)
    if (incident === null) delete after[key]
    else if (before || Object.keys(after).length < maxTroubles) {
      after[key] = incident
      if (incident.toldMs !== before?.toldMs || incident.sinceMs !== before.sinceMs)
        findings.push(findingOf(key, incident, event.bastion, context))
    }
  }
  return { troubles: after, findings }
}
