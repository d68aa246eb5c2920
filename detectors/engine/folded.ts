import type { SessionEvent } from '#services/schema/session-event.ts'
import type { AnyRule, EntityFacts, Finding, Observed, OriginFacts, RuleContext, Subject } from '../rule.ts'
import { dayMs } from '../utc-day.ts'

/** Tells each event what its entity knew before it; the event goes on to its user with that. State as with rules. */
export type Annotator<S = unknown> = {
  initial(): S
  before(state: S, observed: Observed, context: FoldContext): OriginFacts
  after(state: S, observed: Observed, context: FoldContext): S
  isOver(state: S, nowMs: number): boolean
}
/** What is done with the events of one kind of entity. */
export type Program = { rules: readonly AnyRule[]; annotator: Annotator | null }

/** An incident as of some event. `revision`: how many findings made it, so it does not depend on the order of arrival. */
export type Incident = {
  ruleId: AnyRule['id']
  window: string
  revision: number
  decidedMs: number
  finding: Finding
  /** Of logins that made it and did not say which session they open; and the sessions that came of them. */
  connections: readonly string[]
  opened: readonly string[]
}

/** What all rules of an entity know after some event. Plain JSON, never mutated. */
export type Folded = {
  rules: Readonly<Record<string, unknown>>
  annotation: unknown
  incidents: Readonly<Record<string, Incident>> // by rule and window
  facts: EntityFacts
  timeMs: number // event time up to which this goes
}

export type FoldContext = Omit<RuleContext, 'facts' | 'subject' | 'isHistory'>

const unknownEntity: EntityFacts = { firstAtMs: 0, loginCount: 0, loginDays: 0, lastLoginDay: -1 }

export const emptyFolded = ({ rules, annotator }: Program): Folded => ({
  annotation: annotator?.initial() ?? null,
  rules: Object.fromEntries(rules.map((rule) => [rule.id, rule.initial()])),
  incidents: {},
  facts: unknownEntity,
  timeMs: 0,
})

/** Rules add nothing to a window after 48 hours; what the event time is far beyond stays as it is. */
const incidentKeepMs = 3 * dayMs
export const isClosed = ({ finding }: Incident, nowMs: number): boolean => finding.lastEventMs < nowMs - incidentKeepMs

const hasClosed = (incidents: Folded['incidents'], nowMs: number): boolean => {
  for (const key in incidents) if (isClosed(incidents[key]!, nowMs)) return true
  return false
}

/** How an event is folded. `onClosed` hears of incidents that are over for days and stand no more. */
export type FoldOptions = { isHistory?: boolean; onClosed?: (key: string, incident: Incident) => void }

const withoutClosed = (
  incidents: Folded['incidents'],
  nowMs: number,
  onClosed: FoldOptions['onClosed'],
): Folded['incidents'] => {
  if (!hasClosed(incidents, nowMs)) return incidents
  const kept: Record<string, Incident> = {}
  for (const [key, incident] of Object.entries(incidents)) {
    if (isClosed(incident, nowMs)) onClosed?.(key, incident)
    else kept[key] = incident
  }
  return kept
}

const isSame = (a: Finding, b: Finding): boolean => JSON.stringify(a) === JSON.stringify(b)

const maxConnections = 20

const connectionOf = ({ bastion, sourceIp, sourcePort }: SessionEvent): string | null =>
  sourceIp && sourcePort ? `${bastion} ${sourceIp} ${sourcePort}` : null

const withConnection = (connections: readonly string[], event: SessionEvent | null): readonly string[] => {
  if (event?.kind !== 'login' || event.sessionId) return connections
  const connection = connectionOf(event)
  const isNew = connection !== null && !connections.includes(connection) && connections.length < maxConnections
  return isNew ? [...connections, connection] : connections
}

/** sshd tells of a login before there is a session: the alert about it gets its link when the session starts. */
const withOpened = (incidents: Folded['incidents'], event: SessionEvent): Folded['incidents'] => {
  if (event.kind !== 'session_started' || !event.sessionId) return incidents
  const connection = connectionOf(event)
  const { sessionId } = event
  if (connection === null) return incidents
  const of = Object.entries(incidents).filter(
    ([, { connections, opened }]) => connections.includes(connection) && !opened.includes(sessionId),
  )
  if (of.length === 0) return incidents
  const linked = of.map(([key, incident]) => [
    key,
    { ...incident, revision: incident.revision + 1, opened: [...incident.opened, sessionId].slice(0, maxConnections) },
  ])
  return { ...incidents, ...Object.fromEntries(linked) }
}

const withFindings = (
  before: Folded['incidents'],
  rule: AnyRule,
  findings: readonly Finding[],
  atMs: number,
  event: SessionEvent | null,
): Folded['incidents'] => {
  if (findings.length === 0) return before
  const incidents = { ...before }
  for (const finding of findings) {
    const key = `${rule.id}\n${finding.window}`
    const known = incidents[key]
    if (known && isSame(known.finding, finding)) continue
    const { revision = 0, decidedMs = atMs, connections = [], opened = [] } = known ?? {}
    incidents[key] = {
      ruleId: rule.id,
      window: finding.window,
      revision: revision + 1,
      decidedMs,
      finding,
      connections: withConnection(connections, event),
      opened,
    }
  }
  return incidents
}

const nextDue = (rules: readonly AnyRule[], folded: Folded): { rule: AnyRule; atMs: number } | null => {
  let next: AnyRule | null = null
  let nextMs = Number.POSITIVE_INFINITY
  for (const rule of rules) {
    const atMs = rule.dueAtMs?.(folded.rules[rule.id]) ?? null
    if (atMs !== null && atMs < nextMs) [next, nextMs] = [rule, atMs]
  }
  return next === null ? null : { rule: next, atMs: nextMs }
}

/** When something falls due next, in event time; null: nothing does. */
export const dueMsOf = ({ rules }: Program, folded: Folded): number | null => nextDue(rules, folded)?.atMs ?? null

/** A rule whose due never moves on would hold up everything. */
const maxDues = 1_000

/** What falls due up to `untilMs`, in the order in which it does. */
export const foldDues = (
  { rules }: Program,
  start: Folded,
  untilMs: number,
  context: FoldContext,
  subject: Subject,
): Folded => {
  let folded = start
  for (let fired = 0; fired < maxDues; fired++) {
    const next = nextDue(rules, folded)
    if (next === null || next.atMs > untilMs) break
    const { rule, atMs } = next
    const step = rule.due!(folded.rules[rule.id], atMs, { ...context, subject, facts: folded.facts, isHistory: false })
    folded = {
      ...folded,
      rules: { ...folded.rules, [rule.id]: step.state },
      incidents: withFindings(folded.incidents, rule, step.findings, atMs, null),
    }
  }
  return folded
}

const factsAfter = (facts: EntityFacts, { event, timeMs }: Observed): EntityFacts => {
  const firstAtMs = facts.firstAtMs === 0 ? timeMs : Math.min(timeMs, facts.firstAtMs)
  if (event.kind !== 'login') return firstAtMs === facts.firstAtMs ? facts : { ...facts, firstAtMs }
  const day = Math.floor(timeMs / dayMs)
  const isNewDay = day > facts.lastLoginDay
  return {
    firstAtMs,
    loginCount: facts.loginCount + 1,
    loginDays: facts.loginDays + (isNewDay ? 1 : 0),
    lastLoginDay: Math.max(day, facts.lastLoginDay),
  }
}

/** After one more event. Rules see the facts from before it. */
export const foldEvent = (
  program: Program,
  start: Folded,
  observed: Observed,
  context: FoldContext,
  subject: Subject,
  { isHistory = false, onClosed }: FoldOptions = {},
): Folded => {
  const { annotator } = program
  const folded = foldDues(program, start, observed.timeMs, context, subject)
  const { event } = observed
  const ruleContext: RuleContext = { ...context, subject, facts: folded.facts, isHistory }
  const timeMs = Math.max(folded.timeMs, observed.timeMs)
  let [rules, incidents] = [folded.rules, folded.incidents]
  let changed: Record<string, unknown> | null = null // one copy of the states, however many rules change theirs
  for (const rule of program.rules) {
    if (!rule.kinds.includes(event.kind)) continue
    const before = rules[rule.id]
    const { state, findings } = rule.apply(before, observed, ruleContext)
    if (state !== before) {
      changed ??= { ...rules }
      changed[rule.id] = state
      rules = changed
    }
    incidents = withFindings(incidents, rule, findings, observed.timeMs, event)
  }
  return {
    rules,
    incidents: withoutClosed(withOpened(incidents, event), timeMs, onClosed),
    annotation: annotator ? annotator.after(folded.annotation, observed, context) : null,
    facts: factsAfter(folded.facts, observed),
    timeMs,
  }
}
