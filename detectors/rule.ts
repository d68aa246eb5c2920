import type { Baseline, RuleId, Severity } from '#services/schema/alert.ts'
import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import type { EventKind, SessionEvent } from '#services/schema/session-event.ts'
import type { Directory } from './directory/directory.ts'
import type { GeoLookup } from './geo/geo.ts'

/** What a rule is: a pure function over the events of one entity, in order of event time. */

/** Whose events a rule sees together. network: of an address, its /24 (IPv4) or /48 (IPv6). */
export type EntityKind = 'user' | 'network' | 'bastion'
export type Subject = { kind: EntityKind; key: string }

/** What the network that a login came from knows about it, in event time before it. */
export type OriginFacts = {
  otherUsers: number // people besides this one who logged in from the address within 30 days
  networkUsers: number // likewise from its network
  failures: number // failed attempts of anybody from the address in the hour before
  failedUsers: number // how many names they were aimed at
}

/** An event as rules see it. `timeMs`: when it happened, Unix ms; not far ahead of when it was received. */
export type Observed = { event: SessionEvent; timeMs: number; origin: OriginFacts | null }

/** What the engine knows about any entity. */
export type EntityFacts = { firstAtMs: number; loginCount: number; loginDays: number; lastLoginDay: number }

export type RuleContext = {
  directory: Directory
  geo: GeoLookup
  settings: DetectorSettings
  subject: Subject
  facts: EntityFacts // before this event
  /** From before the first event that was seen: habits may be learned from it, what is going on now must be left alone. */
  isHistory: boolean
}

/**
 * An incident as it stands after this event; what was said of the same window before is replaced. Times are Unix ms of
 * event time. `window`: with rule and entity it makes the alert's id, so it must not depend on the order of arrival, and
 * nothing is added to one after it was quiet for 48 hours.
 */
export type Finding = {
  window: string
  severity: Severity
  title: string // one line, for a pager
  explanation: string // why, in words for whoever is woken by it
  baseline?: Baseline | null
  user?: string | null
  sourceIp?: string | null
  bastion?: string | null
  check?: string | null
  sessionIds?: readonly string[] // the first is the one to look at
  atMs?: number | null // in that session
  gap?: string | null
  count: number
  firstEventMs: number
  lastEventMs: number
  isOver?: boolean // it ended by itself: resolved
}

export type Step<S> = { state: S; findings: readonly Finding[] }

/**
 * State is plain JSON and never mutated: what `apply` changes it copies, so that earlier states stay good. It is bounded,
 * whatever the events say. Events come in order of time, but for one that arrives after the horizon: it is older than the
 * ones before. `due` is called when event time reaches `dueAtMs`, before any later event.
 */
export type Rule<S> = {
  readonly id: RuleId
  readonly entity: EntityKind
  readonly kinds: readonly EventKind[]
  initial(): S
  apply(state: S, observed: Observed, context: RuleContext): Step<S>
  dueAtMs?(state: S): number | null
  due?(state: S, dueMs: number, context: RuleContext): Step<S>
  /** Whether nothing in it can matter to an event at or after `nowMs`. Absent: it always may. */
  isOver?(state: S, nowMs: number): boolean
}
export type AnyRule = Rule<unknown>

/** Nothing found. */
export const quiet = <S>(state: S): Step<S> => ({ state, findings: [] })
