import type { Alert, AlertStatus, RuleId, Severity } from '../schema/alert.ts'
import type { SearchKind, SearchQuery } from '../schema/search-query.ts'
import type { Command, List, Session, SessionState } from '../schema/session.ts'
import type { EventKind, SessionEvent } from '../schema/session-event.ts'

/** What evidence can rebuild: rows and full text about sessions, commands, events, blocks. */

/** A block of a session, as the recorder wrote it. */
export type BlockRow = {
  sessionId: string
  key: string
  firstSeq: number
  lastSeq: number
  startNs: bigint
  endNs: bigint
  firstAtMs: number
  lastAtMs: number
  sizeBytes: number
  chainHash: string // hex
  seals: boolean
}

/** What the indexer learned from the batches fromSeq..nextSeq-1 of one session. Applied whole or not at all. */
export type SessionUpdate = {
  sessionId: string
  fromSeq: number
  nextSeq: number
  /** The indexer's own state, JSON, ≤ 256 KiB: given back by `progress` so that it can go on after a crash. */
  progress: string
  session: SessionRow
  /**
   * Commands new or changed, by their number in the session, counted from 0 without gaps: a later row with the same
   * number replaces the earlier.
   */
  commands: { number: number; command: Command }[]
}

/** `state`: of the session's row as it stands. */
export type Progress = { nextSeq: number; progress: string; state: SessionState }

/**
 * How the sessions stand that started on a UTC day; those started in another session are part of that one. Dates are
 * YYYY-MM-DD, both included. `after`: only what comes after it, by day, newest first, then by name.
 */
export type CoverageQuery = {
  from: string
  to: string
  bastion?: string
  after?: { date: string; bastion: string }
  limit: number
}
export type SessionCounts = { bastion: string; date: string; counts: Record<SessionState, number> }
/** `total`: of all that have at least one session. */
export type CoveragePage = { items: SessionCounts[]; total: { value: number; relation: 'eq' | 'gte' } }

/** All of a Session but what the recorder owns and what sshd's log tells. */
export type SessionRow = Omit<Session, 'evidence' | 'person' | 'commandCount' | 'login'> & { state: SessionState }

export type ErasureState = 'erasing' | 'erased'

export type SessionQuery = {
  query?: SearchQuery // each of its texts stands somewhere in the session: its own data, commands, screens
  from?: Date // sessions that overlap [from, to]
  to?: Date
  user?: string
  bastion?: string
  sourceIp?: string
  state?: SessionState
  connectionId?: string
  parentId?: string
  limit: number
  cursor?: string
}
export type EventQuery = {
  kinds?: EventKind[]
  text?: string
  from?: Date
  to?: Date
  sessionId?: string
  user?: string
  bastion?: string
  sourceIp?: string
  target?: string
  outcome?: 'success' | 'failure'
  limit: number
  cursor?: string
}
export type HitQuery = {
  query: SearchQuery
  in: SearchKind[]
  sessionId?: string
  from?: Date
  to?: Date
  limit: number
  cursor?: string
}
export type SearchHit = {
  in: SearchKind
  sessionId: string | null
  eventId: string | null
  atMs: number | null // in the session
  at: string // RFC 3339
  snippet: string // the line around the match
  highlights: [start: number, end: number][] // in the snippet, UTF-16 units
  user: string | null
  bastion: string
}

/** `refused`: by their place in what was given, those that can never be taken; absent where there are none. */
export type PutEvents = {
  inserted: number
  duplicates: number
  refused?: { index: number; reason: string }[]
}

/** Of which session a hit is, and when. `atMs`: since 1970. */
export type HitRow = { sessionId: string | null; atMs: number; user: string | null; bastion: string }
/** `isAll`: there are no older ones. */
export type HitRows = { rows: HitRow[]; isAll: boolean }
export const maxHitRows = 10_000

export type ValueField = 'user' | 'host' | 'bastion' | 'ip'
export type ValuesQuery = { field: ValueField; prefix: string; limit: number }

export type CatalogWriter = {
  /** Idempotent by key. */
  putBlock(row: BlockRow): Promise<void>
  /** After the session's last block and manifest are durable. Idempotent; may come before any indexFrames. */
  markSealed(sessionId: string, manifestKey: string): Promise<void>
  /** No effect when nextSeq is not beyond what was applied: the same batches may come twice. */
  indexFrames(update: SessionUpdate): Promise<void>
  /** The state to go on from, or null for a session never seen. */
  progress(sessionId: string): Promise<Progress | null>
  /** Idempotent by event id; the first one stands. */
  putEvents(events: SessionEvent[]): Promise<PutEvents>
  /** Of these, what is open becomes late, or what is late open; the next indexFrames says what it is then. Idempotent. */
  markLate(sessionIds: string[], isLate: boolean): Promise<void>
  /** From now on its evidence is `erasing`, or `erased`: that is the last word. Idempotent. */
  markErasure(sessionId: string, state: ErasureState): Promise<void>
  /**
   * Nothing stays that came of its content: no command, no text of events and alerts about it. @returns how many rows that
   * took; 0: nothing was left
   */
  eraseSession(sessionId: string): Promise<number>
  /** Of what was removed or replaced no byte stays in the files. May take as long as writing all of it anew. @throws BTZ_UNAVAILABLE */
  expunge(): Promise<void>
  /** Of these, what is open or late is truncated: no more of it is expected. The next indexFrames says what it is then. Idempotent. */
  markTruncated(sessionIds: string[]): Promise<void>
  /** Rows of sessions that no recorder saw, put as they are, and by id those that are gone. Idempotent. */
  putUnrecorded(rows: SessionRow[], gone: string[]): Promise<void>
}

export type CatalogReader = {
  session(id: string): Promise<Session | null>
  /**
   * Open sessions first, then by start, newest first; a page is stable while rows arrive.
   * @throws BTZ_CATALOG_TIMEOUT BTZ_CATALOG_CURSOR — likewise all lists below
   */
  sessions(query: SessionQuery): Promise<List<Session>>
  commands(sessionId: string, page: { limit: number; cursor?: string }): Promise<List<Command & { number: number }>>
  blocks(sessionId: string): Promise<BlockRow[]>
  /** Up to which batch the blocks of each session follow on each other from batch 0; none for a session without that. */
  durableSeqs(sessionIds: readonly string[]): Promise<Map<string, number>>
  coverage(query: CoverageQuery): Promise<CoveragePage>
  /** Newest first. */
  events(query: EventQuery): Promise<List<SessionEvent>>
  /** Newest first. */
  search(query: HitQuery): Promise<List<SearchHit>>
  /** The newest hits, no more than maxHitRows, with nothing of what they show. */
  hitRows(query: Omit<HitQuery, 'cursor'>): Promise<HitRows>
  /** What sessions have there and begins so, sorted. */
  fieldValues(query: ValuesQuery): Promise<string[]>
  /** Open sessions of a bastion, for the agent's heartbeat. */
  openSessions(bastion: string): Promise<{ id: string; nextSeq: number }[]>
  /** Sessions of one connection, by start, at most the latest 1,000. */
  connectionSessions(connectionId: string): Promise<ConnectionSession[]>
  /** Logins, and starts and ends of sessions, of one connection, by time, at most the first 5,000. */
  connectionEvents(bastion: string, connectionId: string): Promise<ConnectionEvents>
  /** Of which there are events, by name, at most 10,000. */
  bastions(): Promise<string[]>
}
export type ConnectionSession = Pick<
  Session,
  'id' | 'bastion' | 'parentId' | 'tty' | 'startedAt' | 'endedAt' | 'recorded'
>
/** `more`: the connection has later ones. */
export type ConnectionEvents = { events: SessionEvent[]; more: boolean }

/**
 * Alerts that have all of what is named here. `source`: addresses by addressKey, both ends included; an alert without an
 * address is in no range.
 */
export type AlertMatch = { rule?: RuleId; user?: string; bastion?: string; source?: AddressRange }
export type AddressRange = { from: string; to: string }

export type AlertQuery = {
  statuses?: AlertStatus[]
  rules?: RuleId[]
  severities?: Severity[]
  text?: string // title, explanation, user, hosts, addresses: words that must all be found
  user?: string
  sourceIp?: string
  bastion?: string
  sessionId?: string // any of its sessions
  withdrawn?: boolean // true: withdrawn ones too
  except?: AlertMatch[] // none of these; no part of the cursor: they may change while pages are turned
  from?: Date // by `at`
  to?: Date
  limit: number
  cursor?: string
}
export type AlertWriter = {
  /**
   * Without `triage`: what was said last of an id stands, but for what people decided: that and its status stay. With it,
   * status and triage are taken where `triage.at` is not before the one that stands, and nothing else: what the detectors
   * say may have grown meanwhile. Idempotent.
   * @throws BTZ_CATALOG_REFUSED one of them can never be taken
   */
  putAlerts(alerts: Alert[]): Promise<void>
}
export type AlertReader = {
  alert(id: string): Promise<Alert | null>
  /** Newest first. */
  alerts(query: AlertQuery): Promise<List<Alert>>
}

export type Catalog = CatalogWriter & CatalogReader & AlertWriter & AlertReader & { close(): Promise<void> }
