import type { Role } from '../../../services/schema/access.ts'
import type { AgentStatus } from '../../../services/schema/agent-status.ts'
import type { Alert, AlertStatus, RuleId, Severity } from '../../../services/schema/alert.ts'
import type { Approval } from '../../../services/schema/approval.ts'
import type { CoverageDay } from '../../../services/schema/coverage.ts'
import type { Command, List, Session } from '../../../services/schema/session.ts'
import type { SessionEvent } from '../../../services/schema/session-event.ts'
import type { Statement as Stated } from '../../../services/schema/statement.ts'
import type { Skip } from './replay/skips.ts'
import { ofLists, whyHeader } from './why.ts'

export type { AlertStatus, Approval, Command, CoverageDay, List, Role, RuleId, Session, SessionEvent, Severity }
/** `screenUnavailable`: why nothing is known of what its terminal showed. */
export type SessionDetails = Session & { screenUnavailable: string | null }
export type AlertRow = Alert & { suppressedBy?: string | null }

/** An answer other than 2xx, in the server's own words (RFC 9457). */
export class Refusal extends Error {
  readonly status: number
  readonly code: string | undefined
  readonly hint: string | undefined
  /** Of a query that is not understood: where, in UTF-16 units of it. */
  readonly position: Position | undefined
  constructor(status: number, detail: string, { code, hint, position }: Problem) {
    super(detail)
    this.status = status
    this.code = code
    this.hint = hint
    this.position = position
  }
}
type Position = { start: number; end: number }
type Problem = { detail?: string; code?: string; hint?: string; position?: Position }

export const refusalOf = async (response: Response): Promise<Refusal> => {
  const problem = (await response.json().catch(() => ({}))) as Problem
  return new Refusal(response.status, problem.detail ?? response.statusText, problem)
}

/** `why`: where content is shown, so that the reason given for it goes along. */
type Asked = { body?: unknown; signal?: AbortSignal | undefined; ifMatch?: string; why?: string }

const ask = async (method: string, path: string, { body, signal, ifMatch, why }: Asked): Promise<Response> => {
  const response = await fetch(path, {
    method,
    headers: {
      'x-bartizan': '1',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(why !== undefined && whyHeader(why)),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
  if (response.ok) return response
  throw await refusalOf(response)
}

const call = async (method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> => {
  const response = await ask(method, path, { body, signal })
  return response.status === 204 ? null : response.json()
}

/** What shows content of sessions. */
const show = async (path: string, why: string, signal?: AbortSignal): Promise<unknown> =>
  (await ask('GET', path, { signal, why })).json()

const query = (parameters: Record<string, string | undefined>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value) search.set(name, value)
  return search.size > 0 ? `?${search}` : ''
}

export type Decision = { at: string; actor: string; status: AlertStatus; reason: string | null }
export type RuleFacts = { id: RuleId; title: string; description: string }
export type NewSuppression = {
  rule?: string
  user?: string
  source?: string
  bastion?: string
  owner: string
  reason: string
  expiresAt: string
}
export type Suppression = { id: string; owner: string; reason: string; expiresAt: string }
type Seen = { count: number; firstAt: string; lastAt: string }
export type UserFacts = {
  user: string
  hours: number[] // of the week, from Monday 00:00
  addresses: (Seen & { ip: string })[]
  hosts: (Seen & { host: string })[]
  lastLoginAt: string | null
  from: string | null
}
export type Certificate = { sha256: string; issuedAtMs: number; expiresAtMs: number; revokedAtMs: number | null }
/** `way`: null where it is not enrolled; `via`: the relay it comes through; `relayNames`: it is a relay, reached by these. */
export type Agent = {
  bastion: string
  certificates: Certificate[]
  way: { via: string | null; relayNames: string[] | null } | null
  heardAtMs: number | null
  version: string | null
  status: AgentStatus | null
  concerns: ('silent' | 'clock' | 'spool' | 'hooks')[]
}
export type Findings = { bastion: string; fail: number; warn: number; lastAt: string }
export type EnrolmentCode = { command: string; expiresAt: string }
export const gapNames = ['missing', 'truncated', 'recorder_killed', 'late', 'tunnel_only'] as const
type Person = { id: string; name: string; role: string }
type Decided = { reason: string; at: string; by: Person; appliedAt: string | null }
type Agreed = Decided & { requestedBy: Person }
/** `erasure.until`: when the last copies that only time takes away are gone. */
export type Custody = {
  held: boolean
  holds: (Decided & { holdId: string; lifted: Agreed | null })[]
  retention: (Decided & { until: string }) | null
  erasure: (Agreed & { state: 'erasing' | 'erased'; until: string | null }) | null
}
/** `note`: as it stands in the store. */
export type Statement = Stated & { key: string; sha256: string; note: string }
/** `atMs`: of the session, null where it is of none; `highlights`: [start, end) in the snippet, in UTF-16 units. */
export type SearchHit = {
  in: 'commands' | 'screen' | 'events'
  sessionId: string | null
  eventId: string | null
  atMs: number | null
  at: string
  snippet: string
  highlights: [number, number][]
}
/** A part of a query that was taken as text, and what to write there where a field was meant. */
export type QueryHint = { message: string; position: Position; instead: string }
export type FoundSession = { session: Session; hits: SearchHit[]; hitCount: List<never>['total'] }
export type FacetName = 'user' | 'host' | 'bastion' | 'ip'
export type Facets = Record<FacetName, { value: string; count: number }[]>
export type SearchField = { name: string; description: string; example: string }
export type SavedSearch = { id: string; name: string; q: string; shared: boolean; by: string; at: string }
export type Marker = { atMs: number; kind: 'alert' | 'transfer' | 'gap' | 'command'; label: string }
/** Of a recording; `skips`: the pauses that are shortened when it is played. */
export type Timeline = {
  durationMs: number
  playMs: number
  startedAt: string
  isEnded: boolean
  skips: Skip[]
  markers: Marker[]
}
export type NewShare = { fromMs?: number; toMs?: number; expiresInMinutes: number; reason: string }
export type Share = {
  id: string
  fromMs: number
  toMs: number
  expiresAt: string
  reason: string
  by: { name: string }
  revoked: { at: string } | null
  openCount: number
  openings: { at: string; address: string }[]
}
export type SharedSession = {
  user: string
  bastion: string
  startedAt: string
  fromMs: number
  toMs: number
  expiresAt: string
}
/** `shares`: whether links for people without an account may be made here; they last at most `shareHours`. */
export type Me = { name: string; role: Role; bastion: string; shares: boolean; shareHours: number }
export type Parameters = Record<string, string | undefined>

export const api = {
  me: (signal?: AbortSignal) => call('GET', '/api/me', undefined, signal) as Promise<Me>,
  signIn: (code: string) => call('POST', '/api/sign-in', { code }) as Promise<Me>,
  signOut: () => call('POST', '/api/sign-out'),
  sessions: (parameters: Parameters, signal?: AbortSignal) =>
    show(`/api/sessions${query(parameters)}`, ofLists, signal) as Promise<List<Session> & { hints?: QueryHint[] }>,
  session: (id: string, signal?: AbortSignal) =>
    call('GET', `/api/sessions/${id}`, undefined, signal) as Promise<SessionDetails>,
  commands: (id: string, parameters: Parameters, signal?: AbortSignal) =>
    show(`/api/sessions/${id}/commands${query(parameters)}`, id, signal) as Promise<List<Command>>,
  search: (parameters: Parameters, why: string, signal?: AbortSignal) =>
    show(`/api/search${query(parameters)}`, why, signal) as Promise<List<SearchHit>>,
  searchSessions: (parameters: Parameters, signal?: AbortSignal) =>
    show(`/api/search/sessions${query(parameters)}`, ofLists, signal) as Promise<
      List<FoundSession> & { hints: QueryHint[] }
    >,
  facets: (parameters: Parameters, signal?: AbortSignal) =>
    show(`/api/search/facets${query(parameters)}`, ofLists, signal) as Promise<Facets>,
  searchFields: (signal?: AbortSignal) =>
    call('GET', '/api/search/fields', undefined, signal) as Promise<SearchField[]>,
  searchValues: (field: string, prefix: string, signal?: AbortSignal) =>
    call('GET', `/api/search/values${query({ field, prefix })}`, undefined, signal) as Promise<{ items: string[] }>,
  savedSearches: (signal?: AbortSignal) =>
    call('GET', '/api/searches', undefined, signal) as Promise<{ items: SavedSearch[] }>,
  saveSearch: (body: Pick<SavedSearch, 'name' | 'q' | 'shared'>) => call('POST', '/api/searches', body),
  deleteSearch: (id: string) => call('DELETE', `/api/searches/${id}`),
  timeline: (url: string, why: string, signal?: AbortSignal) => show(url, why, signal) as Promise<Timeline>,
  shares: (id: string, signal?: AbortSignal) =>
    call('GET', `/api/sessions/${id}/shares`, undefined, signal) as Promise<{ items: Share[] }>,
  share: (id: string, body: NewShare) =>
    call('POST', `/api/sessions/${id}/shares`, body) as Promise<Pick<Share, 'id' | 'expiresAt'> & { url: string }>,
  revokeShare: (id: string) => call('DELETE', `/api/shares/${id}`),
  openShared: (link: string) => call('POST', '/api/shared', { link }),
  sharedSession: (signal?: AbortSignal) =>
    call('GET', '/api/shared/session', undefined, signal) as Promise<SharedSession>,
  events: (parameters: Parameters, signal?: AbortSignal) =>
    show(`/api/events${query(parameters)}`, ofLists, signal) as Promise<List<SessionEvent>>,
  alerts: (parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/alerts${query(parameters)}`, undefined, signal) as Promise<List<AlertRow>>,
  alert: async (id: string, signal?: AbortSignal): Promise<{ alert: AlertRow; tag: string }> => {
    const response = await ask('GET', `/api/alerts/${id}`, { signal })
    return { alert: (await response.json()) as AlertRow, tag: response.headers.get('etag') ?? '' }
  },
  alertHistory: (id: string, signal?: AbortSignal) =>
    call('GET', `/api/alerts/${id}/history`, undefined, signal) as Promise<{ items: Decision[] }>,
  triage: (id: string, tag: string, body: { status: AlertStatus; reason?: string }) =>
    ask('PATCH', `/api/alerts/${id}`, { body, ifMatch: tag }),
  rules: (signal?: AbortSignal) => call('GET', '/api/rules', undefined, signal) as Promise<{ items: RuleFacts[] }>,
  suppressions: (signal?: AbortSignal) =>
    call('GET', '/api/suppressions', undefined, signal) as Promise<{ items: Suppression[] }>,
  endSuppression: (id: string, reason: string) => call('DELETE', `/api/suppressions/${id}`, { reason }),
  suppress: (body: NewSuppression) => call('POST', '/api/suppressions', body),
  user: (user: string, zone: string, signal?: AbortSignal) =>
    call('GET', `/api/users/${encodeURIComponent(user)}${query({ zone })}`, undefined, signal) as Promise<UserFacts>,
  agents: (signal?: AbortSignal) => call('GET', '/api/agents', undefined, signal) as Promise<List<Agent>>,
  posture: (signal?: AbortSignal) =>
    call('GET', '/api/posture', undefined, signal) as Promise<{ items: Findings[]; complete: boolean }>,
  enrolmentCode: (bastion: string, asked: { forMs: number; relay?: string; relayNames?: string[] }) =>
    call('POST', `/api/agents/${encodeURIComponent(bastion)}/codes`, asked) as Promise<EnrolmentCode>,
  revokeAgent: (bastion: string, reason: string) =>
    call('POST', `/api/agents/${encodeURIComponent(bastion)}/revoke`, { reason }),
  coverage: (parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/coverage${query(parameters)}`, undefined, signal) as Promise<List<CoverageDay>>,
  statements: (parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/coverage/statements${query(parameters)}`, undefined, signal) as Promise<List<Statement>>,
  custody: (id: string, signal?: AbortSignal) =>
    call('GET', `/api/sessions/${id}/custody`, undefined, signal) as Promise<Custody>,
  hold: (id: string, reason: string) => call('POST', `/api/sessions/${id}/hold`, { reason }),
  askLift: (id: string, reason: string) => call('POST', `/api/sessions/${id}/hold/lift`, { reason }),
  retain: (id: string, until: string, reason: string) =>
    call('POST', `/api/sessions/${id}/retention`, { until, reason }),
  askErasure: (id: string, reason: string) => call('POST', `/api/sessions/${id}/erasure`, { reason }),
  askAccess: (id: string, reason: string) => call('POST', `/api/sessions/${id}/access`, { reason }),
  approvals: (parameters: Parameters, signal?: AbortSignal) =>
    call('GET', `/api/approvals${query(parameters)}`, undefined, signal) as Promise<List<Approval>>,
  decide: (id: string, decision: 'approved' | 'refused', reason: string) =>
    call('POST', `/api/approvals/${id}`, { decision, reason }),
  terminate: (id: string, reason: string) => call('POST', `/api/sessions/${id}/terminate`, { reason }),
}
