import type { Severity } from '#services/schema/alert.ts'
import { ewma, withSample } from '../baselines/robust.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import {
  belongs,
  type Ends,
  type Expected,
  endsOf,
  hasNoChannels,
  isChannelStart,
  isImported,
  isRecordedBy,
  isRecordingOf,
  localOf,
} from './recording/connection.ts'
import { excuseOf, type Gap, gapFinding, isBreakGlass } from './recording/gap-finding.ts'

/** Logins of a user, each of which a recording has to follow. */
export type UserRecordings = {
  expected: readonly Expected[]
  recorded: readonly Ends[] // the last sessions with a recording
  share: number | null // of sessions that were recorded, the last ones counting most
  toldCount: number // while hardly any was
}

const maxExpected = 24
const maxRecorded = 24
const shareWeight = 0.1
const hardlyShare = 0.3
const keepMs = 24 * 3_600_000

const severityOf = (
  gap: Gap,
  { timeMs }: Pick<Expected, 'timeMs'>,
  { share, toldCount }: UserRecordings,
  context: RuleContext,
): Severity => {
  const { settings } = context
  if (isBreakGlass(context, timeMs)) return 'high' // that it is never recorded is no habit to get used to
  const isHardlyRecorded = share === null || share < hardlyShare
  if (isHardlyRecorded && toldCount >= settings.recordingGap.habitCount) return 'info'
  return gap === 'tunnel_only' || isHardlyRecorded ? 'medium' : 'high'
}

const told = (
  state: UserRecordings,
  gap: Gap,
  one: Expected,
  untilMs: number,
  context: RuleContext,
): { findings: Finding[]; isAlert: boolean } => {
  const excuse = excuseOf(one, gap, context)
  if (excuse === 'exempt') return { findings: [], isAlert: false }
  const severity = excuse ? 'info' : severityOf(gap, one, state, context)
  return {
    findings: [gapFinding(one, gap, severity, { excuse, isOver: false, untilMs }, context)],
    isAlert: severity !== 'info',
  }
}

const counted = (state: UserRecordings, isRecorded: boolean, isAlert: boolean): UserRecordings => {
  const share = ewma(state.share, isRecorded ? 1 : 0, shareWeight)
  const toldCount = share >= hardlyShare ? 0 : state.toldCount + (isAlert ? 1 : 0)
  return { ...state, share, toldCount }
}

const gapOf = ({ isStarted, isForward, isCut }: Expected): Gap => {
  if (isCut) return 'recorder_killed'
  return isForward && !isStarted ? 'tunnel_only' : 'missing'
}

const expect = (
  state: UserRecordings,
  { event, timeMs }: Observed,
  context: RuleContext,
  about: Partial<Expected>,
): UserRecordings => {
  const ends = endsOf(event, timeMs)
  const isRecorded = !about.isChannel && state.recorded.some((one) => belongs(one, ends))
  if (isImported(event, timeMs) || isRecorded) return state
  const dueMs = timeMs + context.settings.recordingGap.graceMs
  const one: Expected = { ...ends, id: event.id, dueMs, isStarted: false, isForward: false, told: null, ...about }
  const kept = state.expected.filter(({ timeMs: atMs }) => atMs > timeMs - keepMs)
  return { ...state, expected: withSample(kept, one, maxExpected) }
}

/** Another source saw something of the session or its connection. */
const seen = (
  state: UserRecordings,
  observed: Observed,
  context: RuleContext,
  about: Partial<Expected>,
): Step<UserRecordings> => {
  const ends = endsOf(observed.event, observed.timeMs)
  const at = state.expected.findIndex((one) => !one.isCut && belongs(one, ends))
  if (at < 0) return quiet(about.isStarted ? expect(state, observed, context, about) : state)
  return seenAt(state, at, observed, context, about)
}

const seenAt = (
  state: UserRecordings,
  at: number,
  observed: Observed,
  context: RuleContext,
  about: Partial<Expected>,
): Step<UserRecordings> => {
  const before = state.expected[at]!
  const one: Expected = { ...before, ...about, isStarted: before.isStarted || about.isStarted === true }
  const gap = gapOf(one)
  const isOther = before.told !== null && before.told !== gap
  const next = { ...state, expected: state.expected.with(at, isOther ? { ...one, told: gap } : one) }
  return { state: next, findings: isOther ? told(state, gap, one, observed.timeMs, context).findings : [] }
}

/** Of a connection with several, each needs its own recording. The first is what its login led to expect. */
const channelStarted = (state: UserRecordings, observed: Observed, context: RuleContext): Step<UserRecordings> => {
  const ends = endsOf(observed.event, observed.timeMs)
  const free = state.recorded.findIndex((one) => !one.isClaimed && isRecordingOf(one, ends))
  if (free >= 0) {
    const claimed = { ...state.recorded[free]!, isClaimed: true }
    return quiet({ ...state, recorded: state.recorded.with(free, claimed) })
  }
  const about = { isStarted: true, isChannel: true }
  const at = state.expected.findIndex((one) => !one.isCut && !one.isChannel && belongs(one, ends))
  return at < 0 ? quiet(expect(state, observed, context, about)) : seenAt(state, at, observed, context, about)
}

const isOne = (a: Ends, b: Ends): boolean => a.sessionId !== null && a.sessionId === b.sessionId

/** The session, and whether its recorder ended it. */
const withRecorded = (all: readonly Ends[], ends: Ends, isEnd: boolean): readonly Ends[] => {
  if (isEnd && all.some((one) => isOne(one, ends)))
    return all.map((one) => (isOne(one, ends) ? { ...one, isEnded: true } : one))
  const isNew = !all.some((one) => (ends.sessionId === null ? belongs(one, ends) : isOne(one, ends)))
  return isNew ? withSample(all, isEnd ? { ...ends, isEnded: true } : ends, maxRecorded) : all
}

const recorded = (state: UserRecordings, { event, timeMs }: Observed, context: RuleContext): Step<UserRecordings> => {
  const ends = endsOf(event, timeMs)
  const known = state.recorded.some((one) => belongs(one, ends))
  const isEnd = event.kind === 'session_ended'
  const isNew = !state.recorded.some((one) => isOne(one, ends))
  const channel = isNew
    ? state.expected.findLast((one) => one.isChannel && !one.isCut && isRecordingOf(ends, one))
    : null
  const met = state.expected.filter((one) => {
    if (one.isCut) return isEnd && one.sessionId === ends.sessionId
    if (one.local) return !isEnd && isRecordedBy(one, ends)
    return one.isChannel ? one === channel : belongs(one, ends)
  })
  const next: UserRecordings = {
    ...(known ? state : counted(state, true, false)),
    recorded: withRecorded(state.recorded, channel ? { ...ends, isClaimed: true } : ends, isEnd),
    expected: met.length === 0 ? state.expected : state.expected.filter((one) => !met.includes(one)),
  }
  const late = met.filter((one) => one.told !== null && excuseOf(one, one.told, context) === null)
  const over = { excuse: null, isOver: true, untilMs: timeMs }
  return {
    state: next,
    findings: late.map((one) => gapFinding(one, one.told!, severityOf(one.told!, one, state, context), over, context)),
  }
}

/** The end of a session that was recorded, seen by somebody else. Its recorder has a moment to say so, too. */
const cut = (state: UserRecordings, { event, timeMs }: Observed, context: RuleContext): Step<UserRecordings> => {
  const ends = endsOf(event, timeMs)
  const start = state.recorded.find((one) => isOne(one, ends))
  const isKnown = state.expected.some((one) => one.isCut && isOne(one, ends))
  if (!start || start.isEnded || isKnown) return quiet(state)
  const dueMs = timeMs + context.settings.recordingGap.graceMs
  const one: Expected = { ...start, id: event.id, dueMs, isStarted: true, isForward: false, isCut: true, told: null }
  return quiet({ ...state, expected: withSample(state.expected, one, maxExpected) })
}

const ended = (state: UserRecordings, observed: Observed, context: RuleContext): Step<UserRecordings> => {
  const ends = endsOf(observed.event, observed.timeMs)
  if (state.recorded.some((one) => belongs(one, ends))) return cut(state, observed, context)
  const isForward = hasNoChannels(observed.event)
  const isExpected = state.expected.some((one) => belongs(one, ends))
  if (isExpected) return seen(state, observed, context, { isForward: true })
  return quiet(expect(state, observed, context, { isForward, isStarted: !isForward }))
}

/** On the bastion itself: no connection joins it with its recording, only whose it is and when it began. */
const localStarted = (state: UserRecordings, observed: Observed, context: RuleContext): Step<UserRecordings> => {
  const local = localOf(observed.event)!
  const ends = endsOf(observed.event, observed.timeMs)
  if (state.recorded.some((one) => isRecordedBy({ ...ends, local }, one))) return quiet(state)
  return quiet(expect(state, observed, context, { isStarted: true, local }))
}

const due = (state: UserRecordings, dueMs: number, context: RuleContext): Step<UserRecordings> => {
  let after = state
  const findings: Finding[] = []
  const expected = state.expected.map((one) => {
    if (one.told !== null || one.dueMs > dueMs) return one
    const gap = gapOf(one)
    const said = told(after, gap, one, dueMs, context)
    findings.push(...said.findings)
    after = counted(after, false, said.isAlert)
    return { ...one, told: gap }
  })
  return { state: { ...after, expected }, findings }
}

export const recordingGapUser: Rule<UserRecordings> = {
  id: 'recording-gap',
  entity: 'user',
  kinds: ['login', 'session_started', 'session_ended', 'port_forward'],
  initial: () => ({ expected: [], recorded: [], share: null, toldCount: 0 }),
  apply: (state, observed, context) => {
    const { event } = observed
    if (context.isHistory || typeof event.parentId === 'string') return quiet(state)
    if (event.kind === 'login') return quiet(expect(state, observed, context, {}))
    if (event.kind === 'port_forward') return seen(state, observed, context, { isForward: true })
    if (event.kind !== 'session_started' && event.kind !== 'session_ended') return quiet(state)
    if (localOf(event)) return event.kind === 'session_started' ? localStarted(state, observed, context) : quiet(state)
    if (event.recorded) return recorded(state, observed, context)
    if (isChannelStart(event)) return channelStarted(state, observed, context)
    return event.kind === 'session_ended'
      ? ended(state, observed, context)
      : state.recorded.some((one) => belongs(one, endsOf(event, observed.timeMs)))
        ? quiet(state)
        : seen(state, observed, context, { isStarted: true })
  },
  dueAtMs: ({ expected }) => {
    let nextMs: number | null = null // asked before every event
    for (const one of expected) if (one.told === null && (nextMs === null || one.dueMs < nextMs)) nextMs = one.dueMs
    return nextMs
  },
  due,
}
