import { beatMs } from '#services/schema/ledger-deadlines.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { type Harm, harmed, harmFinding, mended } from './recording/harm.ts'
import { type Troubles, troublesAfter } from './recording/trouble.ts'
import { span } from './wording.ts'

/** The recorder of a bastion that was killed or tampered with, that is unwell, or of which nothing is heard any more. */
type Health = Extract<SessionEvent, { kind: 'recorder_health' }>
type Silence = { sinceMs: number; isStop?: boolean; everyMs?: number }
export type BastionRecorder = {
  beatMs: number | null // the last sign of life
  isStopped?: boolean // it said that it stops: by an upgrade, a restart, or somebody who wants to be unseen
  dueMs: number | null // when it is silent for too long
  silence: Silence | null
  harm: Harm | null
  cut?: Harm | null // sessions of which the end is missing; absent: none so far
  troubles?: Troubles // absent: none so far
}

const afterMaintenanceMs = 15 * 60_000
const slackMs = 60_000 // beats are not sent to the second
// What Bartizan's own servers say of a bastion is no sign of life of its agent.
const others = new Set(['ingest', 'recorder', 'ledger', 'delivery', 'dead-man'])

const silenceFinding = (
  { sinceMs, isStop, everyMs }: Silence,
  untilMs: number,
  isOver: boolean,
  bastion: string,
  { settings }: RuleContext,
): Finding => {
  const { silentMs } = settings.recordingGap
  const how = isStop ? `the agent of ${bastion} was stopped` : `nothing heard of the agent of ${bastion}`
  const observed = `${how} for ${span(untilMs - sinceMs)}${isOver ? ', then it came back' : ''}`
  const expected =
    everyMs === undefined
      ? `a sign of life every 5 minutes, at the latest after ${span(silentMs)}`
      : `a heartbeat every ${span(everyMs)}`
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

/** By ingest, which knows each heartbeat: sooner than signs of life that are events can tell. */
const notHeard = (
  state: BastionRecorder,
  event: Health,
  timeMs: number,
  context: RuleContext,
): Step<BastionRecorder> => {
  const { bastion } = event
  const sinceMs = Date.parse(event.silentSince!)
  const { silence } = state
  if (typeof event.silentUntil === 'string') {
    const heardMs = Math.max(Date.parse(event.silentUntil), state.beatMs ?? 0)
    const next = { ...state, dueMs: heardMs + context.settings.recordingGap.silentMs + slackMs, silence: null }
    if (silence === null) return quiet(state)
    return { state: next, findings: [silenceFinding(silence, timeMs, true, bastion, context)] }
  }
  // One that said that it stops may be away for longer.
  if (silence !== null || state.isStopped || context.directory.isMaintenance(bastion, timeMs)) return quiet(state)
  const everyMs = typeof event.everyMs === 'number' ? event.everyMs : beatMs
  const begun = { sinceMs, everyMs }
  return {
    state: { ...state, dueMs: null, silence: begun },
    findings: [silenceFinding(begun, timeMs, false, bastion, context)],
  }
}

/** What the ledger says of a session, its gap or that it has none any more. */
const ofSession = (
  state: BastionRecorder,
  event: Health,
  timeMs: number,
  context: RuleContext,
): Step<BastionRecorder> => {
  const { bastion, gap, sessionId } = event
  if (gap === 'truncated') {
    const cut = harmed(state.cut, event, timeMs, context.settings.recordingGap.quietMs)
    return { state: { ...state, cut }, findings: [harmFinding('truncated', cut, bastion, context)] }
  }
  if (gap !== null || !sessionId) return quiet(state)
  const [harm, cut] = [mended(state.harm, sessionId, timeMs), mended(state.cut, sessionId, timeMs)]
  return {
    state: { ...state, harm: harm ?? state.harm, cut: cut ?? state.cut ?? null },
    findings: [
      ...(harm ? [harmFinding('recorder_killed', harm, bastion, context)] : []),
      ...(cut ? [harmFinding('truncated', cut, bastion, context)] : []),
    ],
  }
}

const apply = (state: BastionRecorder, { event, timeMs }: Observed, context: RuleContext): Step<BastionRecorder> => {
  if (event.kind !== 'recorder_health' || context.isHistory) return quiet(state)
  const isHarm = event.status === 'killed' || event.status === 'tampered'
  if (event.source === 'ledger' && !isHarm) return ofSession(state, event, timeMs, context)
  if (event.source === 'ingest' && typeof event.silentSince === 'string') return notHeard(state, event, timeMs, context)
  if (!isHarm) return others.has(event.source) ? quiet(state) : beaten(state, event, timeMs, context)
  const harm = harmed(state.harm, event, timeMs, context.settings.recordingGap.quietMs)
  const after = event.status === 'killed' && !event.sessionId ? { ...state, dueMs: null } : state // that it is silent is no second alert
  return { state: { ...after, harm }, findings: [harmFinding('recorder_killed', harm, event.bastion, context)] }
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
