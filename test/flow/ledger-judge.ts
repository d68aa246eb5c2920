import type { Session } from '#services/schema/session.ts'
import { dueAfter, type Kind, kinds, type Played, type Silence, type Truth } from './ledger-truth.ts'
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

const isAbout = ({ alert }: SeenAlert, { sourceIp }: Truth, rows: readonly Session[]): boolean =>
  ledgerGaps.includes(alert.gap ?? '') &&
  (alert.sourceIp === sourceIp || rows.some(({ id }) => id === alert.sessionId || alert.sessionIds.includes(id)))

const judgeAlerts = (truth: Truth, rows: readonly Session[], alerts: readonly SeenAlert[]): Named => {
  const about = alerts.filter((seen) => isAbout(seen, truth, rows))
  const isOther = ({ alert }: SeenAlert) => alert.gap !== truth.gap && !(truth.mayBeLate && alert.gap === 'late')
  const complaints = [...new Set(about.filter(isOther).map(({ alert }) => `was alerted as ${alert.gap}`))]
  const right = about.filter(({ alert }) => alert.gap === truth.gap)
  if (truth.gap !== null && !latest(right).some(({ alert }) => !alert.withdrawn))
    complaints.push(`no alert ${truth.gap}`)
  const namedAtMs = right.length > 0 ? Math.min(...right.map(({ atMs }) => atMs)) : null
  return { complaints, namedAtMs }
}

const judgeOne = (truth: Truth, seen: Seen, rows: readonly Session[]): Named => {
  const { complaints, namedAtMs } = judgeAlerts(truth, rows, seen.alerts)
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

/** Alerts of connections that the run knows nothing of, and silences that were none. */
const strangers = ({ truths, silences }: Played, { alerts, sessions }: Seen): string[] => {
  const addresses = new Set(truths.map(({ sourceIp }) => sourceIp))
  const isOfRun = new Set<string>(sessions.filter(({ sourceIp }) => addresses.has(sourceIp ?? '')).map(({ id }) => id))
  const wasKilled = truths.some(({ kind }) => kind === 'agent killed')
  const isOurs = ({ alert }: SeenAlert) =>
    addresses.has(alert.sourceIp ?? '') ||
    [alert.sessionId, ...alert.sessionIds].some((id) => id && isOfRun.has(id)) ||
    (wasKilled && alert.gap === 'recorder_killed' && alert.sessionIds.length === 0) // the agent's own
  const last = latest(alerts)
  const silent = last.filter(({ alert }) => alert.gap === 'agent_silent').length
  return [
    ...sessions
      .filter(({ sourceIp }) => !addresses.has(sourceIp ?? ''))
      .map(({ id, state }) => `a row of nobody: ${id} ${state}`),
    ...last
      .filter((seen) => seen.alert.gap !== 'agent_silent' && !isOurs(seen))
      .map(({ alert }) => `an alert about nobody: ${alert.gap} ${alert.title}`),
    ...(silent > silences.length
      ? [`${silent} alerts of a silent agent, which was silent ${silences.length} times`]
      : []),
  ]
}

const nearMs = 20_000 // the silence is counted from the last beat

const judgeSilence = ({ faultAtMs }: Silence, { alerts }: Seen): Named => {
  const found = alerts.filter(
    ({ alert }) => alert.gap === 'agent_silent' && Math.abs(Date.parse(alert.firstEventAt) - faultAtMs) < nearMs,
  )
  const namedAtMs = found.length > 0 ? Math.min(...found.map(({ atMs }) => atMs)) : null
  return { complaints: namedAtMs === null ? ['no alert agent_silent'] : [], namedAtMs }
}

export const judge = (played: Played, seen: Seen, slackMs: number): Verdict => {
  const lines = new Map<Line['kind'], Line>([...kinds, 'agent silent' as const].map((kind) => [kind, emptyLine(kind)]))
  const rowsBy = Map.groupBy(seen.sessions, ({ sourceIp }) => sourceIp)
  const complaints: string[] = []
  for (const truth of played.truths) {
    const one = judgeOne(truth, seen, rowsBy.get(truth.sourceIp) ?? [])
    const due = { ...truth, dueAtMs: dueAfter(truth, played.outages, slackMs) }
    count(lines.get(truth.kind)!, truth.states.length + truth.children, one, due, slackMs)
    complaints.push(...one.complaints.map((text) => `${truth.kind} of ${truth.user} from ${truth.sourceIp}: ${text}`))
  }
  for (const silence of played.silences) {
    const one = judgeSilence(silence, seen)
    count(lines.get('agent silent')!, 1, one, silence, slackMs)
    complaints.push(...one.complaints.map((text) => `agent silent: ${text}`))
  }
  return { lines: [...lines.values()], complaints: [...complaints, ...strangers(played, seen)] }
}
