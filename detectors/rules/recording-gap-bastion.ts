import type { SessionEvent } from '#services/schema/session-event.ts'
import { withSample } from '../baselines/robust.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { type Troubles, troublesAfter } from './recording/trouble.ts'
import { plural, span } from './wording.ts'

/** The recorder of a bastion that was killed or tampered with, that is unwell, or of which nothing is heard any more. */
type Health = Extract<SessionEvent, { kind: 'recorder_health' }>
type Harm = { firstMs: number; lastMs: number; count: number; sessions: readonly string[]; details: readonly string[] }
type Silence = { sinceMs: number; isStop?: boolean }
export type BastionRecorder = {
  beatMs: number | null // the last sign of life
  isStopped?: boolean // it said that it stops: by an upgrade, a restart, or somebody who wants to be unseen
  dueMs: number | null // when it is silent for too long
  silence: Silence | null
  harm: Harm | null
  troubles?: Troubles // absent: none so far
}

const maxSessions = 40
const maxDetails = 3
const maxDetail = 300
const afterMaintenanceMs = 15 * 60_000
const slackMs = 60_000 // beats are not sent to the second
// What Bartizan's own servers say of a bastion is no sign of life of its agent.
const others = new Set(['ingest', 'recorder', 'delivery', 'dead-man'])

const harmed = (before: Harm | null, event: Health, timeMs: number, quietMs: number): Harm => {
  const isSame = before !== null && timeMs - before.lastMs <= quietMs
  const harm = isSame ? before : { firstMs: timeMs, lastMs: timeMs, count: 0, sessions: [], details: [] }
  const detail = (event.detail ?? event.status).slice(0, maxDetail)
  const isNew = !!event.sessionId && !harm.sessions.includes(event.sessionId)
  return {
    firstMs: Math.min(harm.firstMs, timeMs),
    lastMs: Math.max(harm.lastMs, timeMs),
    count: harm.count + 1,
    sessions: isNew ? withSample(harm.sessions, event.sessionId!, maxSessions) : harm.sessions,
    details: harm.details.includes(detail) ? harm.details : [...harm.details, detail].slice(-maxDetails),
  }
}

const harmFinding = (
  { firstMs, lastMs, count, sessions, details }: Harm,
  bastion: string,
  context: RuleContext,
): Finding => {
  const isPlanned = context.directory.isMaintenance(bastion, lastMs)
  const touched = sessions.length > 0 ? ` ${plural(sessions.length, 'session')} cut.` : ''
  return {
    window: `killed ${Math.floor(firstMs / context.settings.recordingGap.quietMs)}`,
    severity: isPlanned ? 'info' : 'high',
    title: `${bastion}: the recorder was killed or tampered with`,
    explanation: `${plural(count, 'report')} within ${span(lastMs - firstMs)}: ${details.join('; ')}.${touched} Expected: a recorder that ends by itself and says so.${isPlanned ? ' No alert: maintenance.' : ''}`,
    baseline: null,
    bastion,
    sessionIds: sessions,
    gap: 'recorder_killed',
    count,
    firstEventMs: firstMs,
    lastEventMs: lastMs,
  }
}

const silenceFinding = (
  { sinceMs, isStop }: Silence,
  untilMs: number,
  isOver: boolean,
  bastion: string,
  { settings }: RuleContext,
): Finding => {
  const { silentMs } = settings.recordingGap
  const how = isStop ? `the agent of ${bastion} was stopped` : `nothing heard of the agent of ${bastion}`
  const observed = `${how} for ${span(untilMs - sinceMs)}${isOver ? ', then it came back' : ''}`
  const expected = `a sign of life every 5 minutes, at the latest after ${span(silentMs)}`
  const said = isStop ? 'no maintenance is planned' : 'it did not say that it stops'
  return {
    window: `silent ${sinceMs}`,
    severity: isStop ? 'medium' : 'high',
    title: `${bastion}: the recorder's agent is ${isStop ? 'stopped' : 'silent'}`,
    explanation: `${observed}; ${said}. Expected: ${expected}.`,
    baseline: { observed, expected, historySize: 0, historyDays: 0 },
    bastion,
    gap: isStop ? 'agent_stopped' : 'agent_silent',
    count: 1,
    firstEventMs: sinceMs,
    lastEventMs: untilMs,
    isOver,
  }
}

/** When it really spoke: the clock of a bastion may be hours off. */
const spokenMs = ({ clockOffsetMs, receivedAt }: Health, timeMs: number): number =>
  typeof clockOffsetMs !== 'number'
    ? timeMs
    : Math.min(timeMs - clockOffsetMs, receivedAt ? Date.parse(receivedAt) : timeMs)

const beaten = (state: BastionRecorder, event: Health, timeMs: number, context: RuleContext): Step<BastionRecorder> => {
  const { silence } = state
  const beatMs = Math.max(spokenMs(event, timeMs), state.beatMs ?? 0)
  const dueMs = beatMs + context.settings.recordingGap.silentMs + slackMs
  const next = { ...state, beatMs, dueMs, isStopped: event.status === 'stopped', silence: null }
  const over = silence ? [silenceFinding(silence, timeMs, true, event.bastion, context)] : []
  if (event.source !== 'agent') return { state: next, findings: over }
  const { troubles, findings } = troublesAfter(state.troubles ?? {}, event, timeMs, context)
  return { state: { ...next, troubles }, findings: [...over, ...findings] }
}

const apply = (state: BastionRecorder, { event, timeMs }: Observed, context: RuleContext): Step<BastionRecorder> => {
  if (event.kind !== 'recorder_health' || context.isHistory) return quiet(state)
  const isHarm = event.status === 'killed' || event.status === 'tampered'
  if (!isHarm) return others.has(event.source) ? quiet(state) : beaten(state, event, timeMs, context)
  const harm = harmed(state.harm, event, timeMs, context.settings.recordingGap.quietMs)
  const after = event.status === 'killed' && !event.sessionId ? { ...state, dueMs: null } : state // that it is silent is no second alert
  return { state: { ...after, harm }, findings: [harmFinding(harm, event.bastion, context)] }
}

const silent = (state: BastionRecorder, dueMs: number, context: RuleContext): Step<BastionRecorder> => {
  const bastion = context.subject.key
  if (context.directory.isMaintenance(bastion, dueMs)) return quiet({ ...state, dueMs: dueMs + afterMaintenanceMs })
  const silence = { sinceMs: state.beatMs ?? dueMs, isStop: state.isStopped === true }
  return {
    state: { ...state, dueMs: null, silence },
    findings: [silenceFinding(silence, dueMs, false, bastion, context)],
  }
}

export const recordingGapBastion: Rule<BastionRecorder> = {
  id: 'recording-gap',
  entity: 'bastion',
  kinds: ['recorder_health'],
  initial: () => ({ beatMs: null, dueMs: null, silence: null, harm: null }),
  apply,
  dueAtMs: ({ dueMs }) => dueMs,
  due: silent,
}
