import type { Severity } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { isLearning } from '../baselines/learning.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { dayMs, dayOf } from '../utc-day.ts'
import { bulkFinding } from './bulk/bulk-finding.ts'
import {
  type Crossing,
  type DayTotal,
  emptyFlow,
  type Flow,
  monthEndOf,
  moved,
  type Total,
  toldOf,
  withSession,
} from './bulk/flow.ts'
import { type Direction, newSession, type OpenSession, withOpen } from './bulk/open-session.ts'
import { isAboveCeiling, type Unusual, unusualDay, unusualWeek, weekOf } from './bulk/unusual.ts'

/** More fetched from the hosts, or brought to them, than the user ever had reason for. */
export type Transfers = {
  download: Flow
  upload: Flow
  open: readonly OpenSession[]
  weeks: Readonly<Record<Direction, number | null>> // first day of the seven that were told last
}
type FileTransfer = Extract<SessionEvent, { kind: 'file_transfer' }>
type Moved = { direction: Direction; total: Total }

const weekDays = 7

const isNested = (event: SessionEvent): boolean => typeof event.parentId === 'string'

const withOver = (state: Transfers, over: readonly OpenSession[]): Transfers => {
  let { download, upload } = state
  for (const session of over) {
    download = withSession(download, session.download)
    upload = withSession(upload, session.upload)
  }
  return over.length === 0 ? state : { ...state, download, upload }
}

const opened = (state: Transfers, session: OpenSession): Transfers => {
  const { open, over } = withOpen(state.open, session)
  return withOver({ ...state, open }, over)
}

const sessionOf = ({ open }: Transfers, { event, timeMs }: Observed): OpenSession | null => {
  if (!event.sessionId) return null
  return open.find(({ id }) => id === event.sessionId) ?? newSession(event.sessionId, dayOf(timeMs), timeMs)
}

/** Bytes of a file that the end of its session has already counted are not counted again. */
const uncounted = (session: OpenSession | null, event: FileTransfer) => {
  const isOut = event.direction === 'download'
  const counted = Math.min(event.sizeBytes, session === null ? 0 : isOut ? session.restOut : session.restIn)
  const rest = session && {
    ...session,
    restOut: session.restOut - (isOut ? counted : 0),
    restIn: session.restIn - (isOut ? 0 : counted),
  }
  return { rest, total: { bytes: event.sizeBytes - counted, files: event.fileCount ?? 1 } }
}

const plus = (a: Total, b: Total): Total => ({ bytes: a.bytes + b.bytes, files: a.files + b.files })

const excuseOf = (day: number, { event, timeMs }: Observed, { directory, subject }: RuleContext): string | null => {
  const { target, sourceIp } = event
  const tickets = directory.tickets({ user: subject.key, target: target ?? null, sourceIp: sourceIp ?? null }, timeMs)
  const ticket = tickets.find(({ type }) => type === 'data-handover' || type === 'migration')
  if (ticket) return `ticket ${ticket.id} (${ticket.type}) covers it`
  const isService = directory.person(subject.key, timeMs)?.accountType === 'service'
  const isPlanned = (isService || monthEndOf(day) !== null) && directory.isScheduled(subject.key, timeMs)
  return isPlanned ? 'it is within a schedule of the account' : null
}

/** Until a month has ended before our eyes nobody can say what its end is like. In so many days most of one was seen. */
const monthMs = 26 * dayMs
const isKnownUser = (day: number, timeMs: number, context: RuleContext): boolean =>
  !isLearning(context, timeMs) && (monthEndOf(day) === null || timeMs - context.facts.firstAtMs > monthMs)

const gravity = 10

const severityOf = ({ direction, total }: Moved, isKnown: boolean, { settings }: RuleContext): Severity => {
  const { floorBytes, floorFiles } = settings.bulkTransfer
  if (direction === 'upload' || !isKnown) return 'low'
  return total.bytes >= gravity * floorBytes || total.files >= gravity * floorFiles ? 'high' : 'medium'
}

/** What nobody moves is told also of a user of whom nothing is known, but not every day. */
const unlearned = (flow: Flow, today: DayTotal, { settings }: RuleContext): Unusual | null => {
  const isRepeated = flow.days.some(({ day, isTold }) => isTold && day !== today.day)
  if (isRepeated || !isAboveCeiling(today, settings.bulkTransfer)) return null
  const measure = today.bytes > settings.bulkTransfer.ceilingBytes ? 'bytes' : 'files'
  return { measure, value: today[measure], usual: 0, most: 0, samples: 0, over: 'day' }
}

type Case = { direction: Direction; session: OpenSession | null; day: number; observed: Observed; context: RuleContext }

const crossingOf = ({ session, observed }: Case): Crossing | null =>
  session && {
    sessionId: session.id,
    atMs: session.startMs === null ? null : Math.max(0, observed.timeMs - session.startMs),
  }

const tell = (unusual: Unusual, days: readonly DayTotal[], one: Case): Finding => {
  const { direction, day, observed, context } = one
  const { event, timeMs } = observed
  const { firstAtMs } = context.facts
  const excuse = excuseOf(day, observed, context)
  const isKnown = isKnownUser(day, timeMs, context)
  const total = days.reduce<Total>(plus, { bytes: 0, files: 0 })
  const told = {
    direction,
    unusual,
    days,
    excuse,
    severity: excuse ? ('info' as const) : severityOf({ direction, total }, isKnown, context),
    sourceIp: event.sourceIp ?? null,
    bastion: event.bastion,
    crossing: days.at(-1)?.crossing ?? crossingOf(one),
    historyDays: firstAtMs === 0 ? 0 : Math.max(0, Math.round((timeMs - firstAtMs) / dayMs)),
  }
  return bulkFinding(told, context)
}

/** The seven days from the first that was told; the seven after them are given time to be looked at. */
const judgeWeek = (state: Transfers, factor: number, one: Case): Step<Transfers> => {
  const { direction, day, context } = one
  const flow = state[direction]
  const first = state.weeks[direction]
  if (first !== null && day < first + 2 * weekDays) {
    const days = weekOf(flow, day).filter((each) => each.day >= first && each.day < first + weekDays)
    const unusual = day < first + weekDays ? unusualWeek(flow, day, factor, context.settings.bulkTransfer) : null
    return { state, findings: unusual && days[0]?.day === first ? [tell(unusual, days, one)] : [] }
  }
  const unusual = unusualWeek(flow, day, factor, context.settings.bulkTransfer)
  if (!unusual) return quiet(state)
  const days = weekOf(flow, day)
  return {
    state: { ...state, weeks: { ...state.weeks, [direction]: days[0]!.day } },
    findings: [tell(unusual, days, one)],
  }
}

const judge = (state: Transfers, one: Case): Step<Transfers> => {
  const { direction, session, day, observed, context } = one
  const flow = state[direction]
  const today = flow.days.find((each) => each.day === day)
  if (!today || context.isHistory) return quiet(state)
  const { bulkTransfer } = context.settings
  const factor = direction === 'upload' ? bulkTransfer.uploadFactor : 1
  const isKnown = isKnownUser(day, observed.timeMs, context)
  const unusual = isKnown
    ? unusualDay(flow, today, session?.[direction] ?? null, factor, bulkTransfer)
    : unlearned(flow, today, context)
  if (unusual) {
    const told = toldOf(flow, day, crossingOf(one))
    const days = told.days.filter((each) => each.day === day)
    return { state: { ...state, [direction]: told }, findings: [tell(unusual, days, one)] }
  }
  return isKnown && !today.isTold ? judgeWeek(state, factor, one) : quiet(state)
}

/** Counts it, and says whether that is too much. */
const count = (
  state: Transfers,
  session: OpenSession | null,
  { direction, total }: Moved,
  observed: Observed,
  context: RuleContext,
): Step<Transfers> => {
  const { timeMs } = observed
  const day = session?.day ?? dayOf(timeMs)
  const grown = session && {
    ...session,
    lastMs: Math.max(session.lastMs, timeMs),
    [direction]: plus(session[direction], total),
  }
  const counted = { ...state, [direction]: moved(state[direction], total, day, timeMs, session?.id ?? null) }
  const next = grown ? opened(counted, grown) : counted
  return judge(next, { direction, session: grown, day, observed, context })
}

const transferred = (
  state: Transfers,
  event: FileTransfer,
  observed: Observed,
  context: RuleContext,
): Step<Transfers> => {
  const { rest, total } = uncounted(sessionOf(state, observed), event)
  return count(state, rest, { direction: event.direction, total }, observed, context)
}

/** What went over its streams besides the files that were seen: dumps on the screen, archives through a pipe. */
const ended = (
  state: Transfers,
  event: Extract<SessionEvent, { kind: 'session_ended' }>,
  observed: Observed,
  context: RuleContext,
): Step<Transfers> => {
  const session = sessionOf(state, observed)
  const restOut = Math.max(0, event.outBytes - (session ? session.download.bytes : 0))
  const restIn = Math.max(0, event.inBytes - (session ? session.upload.bytes : 0))
  if (restOut === 0 && restIn === 0) return quiet(state)
  const startMs = observed.timeMs - event.durationMs
  const known = session && { ...session, startMs: session.startMs ?? startMs, restOut, restIn }
  const out = count(state, known, { direction: 'download', total: { bytes: restOut, files: 0 } }, observed, context)
  const after = known && (out.state.open.find(({ id }) => id === known.id) ?? known)
  const back = count(out.state, after, { direction: 'upload', total: { bytes: restIn, files: 0 } }, observed, context)
  return { state: back.state, findings: [...out.findings, ...back.findings] }
}

export const bulkTransfer: Rule<Transfers> = {
  id: 'bulk-transfer',
  entity: 'user',
  kinds: ['session_started', 'file_transfer', 'session_ended'],
  initial: () => ({
    download: emptyFlow,
    upload: emptyFlow,
    open: [],
    weeks: { download: null, upload: null },
  }),
  apply: (state, observed, context) => {
    const { event, timeMs } = observed
    if (event.kind === 'file_transfer') return transferred(state, event, observed, context)
    if (isNested(event)) return quiet(state) // what it shows, the session around it shows too
    if (event.kind === 'session_ended') return ended(state, event, observed, context)
    const session = event.kind === 'session_started' ? sessionOf(state, observed) : null
    return quiet(session ? opened(state, { ...session, startMs: timeMs }) : state)
  },
}
