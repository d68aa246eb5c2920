import type { Alert } from '#services/schema/alert.ts'
import type { CoverageDay } from '#services/schema/coverage.ts'
import type { Session } from '#services/schema/session.ts'
import { dueAfter, type Kind, kinds, type Played, placeOf, type Silence, type Truth } from './ledger-truth.ts'
import type { Seen, SeenAlert } from './ledger-watch.ts'

/** Holds what the ledger said against what was done. */

/** Delays in ms after the fault; `worstOverMs`: after the deadline. */
export type Line = {
  kind: Kind | 'agent silent'
  connections: number
  sessions: number
  rightly: number
  late: number
  wrong: number
  worstDelayMs: number
  worstOverMs: number
}
export type Verdict = { lines: Line[]; complaints: string[] }

const ledgerGaps = ['missing', 'truncated', 'recorder_killed', 'late', 'tunnel_only']

type Named = { complaints: string[]; namedAtMs: number | null }

const sorted = (states: readonly string[]): string => states.toSorted().join(' ')

/** The last revision of each. */
const latest = (alerts: readonly SeenAlert[]): SeenAlert[] => [
  ...Map.groupBy(alerts, ({ alert }) => alert.id)
    .values()
    .map((some) => some.reduce((a, b) => (b.alert.revision > a.alert.revision ? b : a))),
]

const judgeRows = (truth: Truth, rows: readonly Session[]): string[] => {
  const top = rows.filter(({ parentId }) => parentId === null).map(({ state }) => state)
  const children = rows.filter(({ parentId }) => parentId !== null).map(({ state }) => state)
  const complaints: string[] = []
  if (sorted(top) !== sorted(truth.states))
    complaints.push(`rows ${sorted(top) || 'none'}, not ${sorted(truth.states)}`)
  const nested = Array.from({ length: truth.children }, () => 'complete')
  if (sorted(children) !== sorted(nested))
    complaints.push(`children ${sorted(children) || 'none'}, not ${sorted(nested)}`)
  return complaints
}

const isAbout = ({ alert }: SeenAlert, { place }: Truth, rows: readonly Session[]): boolean =>
  ledgerGaps.includes(alert.gap ?? '') &&
  (placeOf(alert) === place || rows.some(({ id }) => id === alert.sessionId || alert.sessionIds.includes(id)))

const judgeAlerts = (
  truth: Truth,
  rows: readonly Session[],
  alerts: readonly SeenAlert[],
  wasCutOff: boolean,
): Named => {
  const about = alerts.filter((seen) => isAbout(seen, truth, rows))
  const isLast = ({ id, revision, withdrawn }: Alert) =>
    !withdrawn && !about.some(({ alert }) => alert.id === id && alert.revision > revision)
  // What was heard before an outage is named by that; what it was in the end, when the rest is heard.
  const isOther = ({ alert }: SeenAlert) =>
    alert.gap !== truth.gap && !(truth.mayBeLate && alert.gap === 'late') && !(truth.gap && wasCutOff && !isLast(alert))
  const complaints = [...new Set(about.filter(isOther).map(({ alert }) => `was alerted as ${alert.gap}`))]
  const right = about.filter(({ alert }) => alert.gap === truth.gap)
  if (truth.gap !== null && !latest(right).some(({ alert }) => !alert.withdrawn))
    complaints.push(`no alert ${truth.gap}`)
  const namedAtMs = right.length > 0 ? Math.min(...right.map(({ atMs }) => atMs)) : null
  return { complaints, namedAtMs }
}

const judgeOne = (truth: Truth, seen: Seen, rows: readonly Session[], wasCutOff: boolean): Named => {
  const { complaints, namedAtMs } = judgeAlerts(truth, rows, seen.alerts, wasCutOff)
  const isWrong = ({ id }: Session) =>
    ledgerGaps.some(
      (gap) => gap !== truth.gap && !(truth.mayBeLate && gap === 'late') && seen.statesAtMs.has(`${id} ${gap}`),
    )
  const wasWrong = rows.filter(isWrong).map(({ id }) => `row ${id} was in a wrong state`)
  const rowAtMs = rows.map(({ id }) => seen.statesAtMs.get(`${id} ${truth.gap}`)).find((atMs) => atMs !== undefined)
  return {
    complaints: [...judgeRows(truth, rows), ...wasWrong, ...complaints],
    namedAtMs: truth.gap === null ? null : Math.max(namedAtMs ?? 0, rowAtMs ?? 0) || null,
  }
}

const emptyLine = (kind: Line['kind']): Line => ({
  kind,
  connections: 0,
  sessions: 0,
  rightly: 0,
  late: 0,
  wrong: 0,
  worstDelayMs: 0,
  worstOverMs: 0,
})

const count = (line: Line, sessions: number, one: Named, { faultAtMs, dueAtMs }: Silence, slackMs: number): void => {
  line.connections += 1
  line.sessions += sessions
  if (one.namedAtMs !== null) {
    line.worstDelayMs = Math.max(line.worstDelayMs, one.namedAtMs - faultAtMs)
    line.worstOverMs = Math.max(line.worstOverMs, one.namedAtMs - dueAtMs)
  }
  const isLate = one.namedAtMs !== null && one.namedAtMs > dueAtMs + slackMs
  if (one.complaints.length > 0) line.wrong += sessions
  else if (isLate) line.late += sessions
  else line.rightly += sessions
  if (isLate) one.complaints.push(`named ${one.namedAtMs! - dueAtMs} ms after its deadline`)
}

const nearMs = 20_000 // a silence is counted from the last beat
const isWithin = (ms: number, fromMs: number, toMs: number): boolean => ms >= fromMs && ms <= toMs

/** Alerts of connections that the run knows nothing of, and silences that were none. */
const strangers = ({ truths, outages }: Played, { alerts, sessions }: Seen): string[] => {
  const places = new Set(truths.map(({ place }) => place))
  const isOfRun = new Set<string>(sessions.filter((session) => places.has(placeOf(session))).map(({ id }) => id))
  const wasKilled = truths.some(({ kind }) => kind === 'agent killed')
  const isOurs = ({ alert }: SeenAlert) =>
    places.has(placeOf(alert)) ||
    [alert.sessionId, ...alert.sessionIds].some((id) => id && isOfRun.has(id)) ||
    (wasKilled && alert.gap === 'recorder_killed' && alert.sessionIds.length === 0) // the agent's own
  const last = latest(alerts)
  const wasAway = ({ alert }: SeenAlert) =>
    outages.some(({ fromMs, toMs }) => isWithin(Date.parse(alert.firstEventAt), fromMs - nearMs, toMs))
  return [
    ...sessions
      .filter((session) => !places.has(placeOf(session)))
      .map(({ id, state }) => `a row of nobody: ${id} ${state}`),
    ...last
      .filter((seen) => seen.alert.gap !== 'agent_silent' && !isOurs(seen))
      .map(({ alert }) => `an alert about nobody: ${alert.gap} ${alert.title}`),
    ...last
      .filter((seen) => seen.alert.gap === 'agent_silent' && !wasAway(seen))
      .map(({ alert }) => `a silence that was none, since ${alert.firstEventAt}`),
  ]
}

const judgeSilence = ({ faultAtMs }: Silence, { alerts }: Seen): Named => {
  const found = alerts.filter(
    ({ alert }) => alert.gap === 'agent_silent' && Math.abs(Date.parse(alert.firstEventAt) - faultAtMs) < nearMs,
  )
  const namedAtMs = found.length > 0 ? Math.min(...found.map(({ atMs }) => atMs)) : null
  return { complaints: namedAtMs === null ? ['no alert agent_silent'] : [], namedAtMs }
}

const coverageStates = ['complete', 'missing', 'truncated', 'recorder_killed', 'late', 'tunnel_only'] as const

/** The counts of the coverage against those of what was done. */
const judgeCoverage = ({ truths, silences }: Played, { coverage }: Seen): string[] => {
  const done = truths.flatMap(({ states }) => states)
  const total = (of: (day: CoverageDay) => number) => coverage.reduce((sum, day) => sum + of(day), 0)
  const expected = [
    `${done.length} seen`,
    ...coverageStates.map((state) => `${done.filter((one) => one === state).length} ${state}`),
    `silent: ${silences.length > 0}`,
  ]
  const told = [
    `${total(({ seen }) => seen)} seen`,
    ...coverageStates.map(
      (state) => `${total(({ complete, gaps }) => (state === 'complete' ? complete : gaps[state]))} ${state}`,
    ),
    `silent: ${total(({ agentSilentMs }) => agentSilentMs) > 0}`,
  ]
  const wrong = told.filter((text, at) => text !== expected[at])
  return wrong.length > 0 ? [`coverage says ${wrong.join(', ')}, and done was ${expected.join(', ')}`] : []
}

export const judge = (played: Played, seen: Seen, slackMs: number): Verdict => {
  const lines = new Map<Line['kind'], Line>([...kinds, 'agent silent' as const].map((kind) => [kind, emptyLine(kind)]))
  const rowsBy = Map.groupBy(seen.sessions, placeOf)
  const complaints: string[] = []
  for (const truth of played.truths) {
    const due = { ...truth, dueAtMs: dueAfter(truth, played.outages, slackMs) }
    const one = judgeOne(truth, seen, rowsBy.get(truth.place) ?? [], due.dueAtMs > truth.dueAtMs)
    count(lines.get(truth.kind)!, truth.states.length + truth.children, one, due, slackMs)
    complaints.push(...one.complaints.map((text) => `${truth.kind} of ${truth.user} from ${truth.place}: ${text}`))
  }
  for (const silence of played.silences) {
    const one = judgeSilence(silence, seen)
    count(lines.get('agent silent')!, 1, one, silence, slackMs)
    complaints.push(...one.complaints.map((text) => `agent silent: ${text}`))
  }
  return {
    lines: [...lines.values()],
    complaints: [...complaints, ...strangers(played, seen), ...judgeCoverage(played, seen)],
  }
}
