import type { SearchKind } from '../schema/search-query.ts'
import { type Condition, condition } from './sqlite-select.ts'

/** The tables that a search finds rows in. The row is x, its session s (none: NULL), what owns a screen v. */
export type RowSource = {
  table: 'command' | 'screen' | 'event'
  join: string
  /** Where the row says of which session it is, and whose. */
  sessionId: string
  user: string
  bastion: string
  target: string
  sourceIp: string
  addresses: 'session' | 'event' // all that are in sourceIp are in this table's source_ip
  /** Rows of the sessions with these numbers. */
  ofSessions(numbers: Condition): Condition
  /** Rows of the session with this id. */
  ofSession(id: string): Condition
  /** Ids of sessions in which a row r is. */
  inSessions: { from: string; of: string }
  /** Rows r of session s. */
  withinSession: string
}

export const rowSources: Record<SearchKind, RowSource> = {
  commands: {
    table: 'command',
    join: 'JOIN session s ON s.number = x.session_number',
    sessionId: 's.id',
    user: 's.user',
    bastion: 's.bastion',
    target: 's.target',
    sourceIp: 's.source_ip',
    addresses: 'session',
    ofSessions: ({ sql, params }) => condition(`x.session_number IN (${sql})`, ...params),
    ofSession: (id) => condition('x.session_number = (SELECT number FROM session WHERE id = ?)', id),
    inSessions: { from: 'command_text t CROSS JOIN command r ON r.time_key = t.rowid', of: 'r.session_number' },
    withinSession: 'command r WHERE r.session_number = s.number',
  },
  screen: {
    table: 'screen',
    join: 'JOIN screen_session v ON v.number = x.screen_number LEFT JOIN session s ON s.id = v.session_id',
    sessionId: 'v.session_id',
    user: 'v.user',
    bastion: 'v.bastion',
    target: 's.target',
    sourceIp: 's.source_ip',
    addresses: 'session',
    ofSessions: ({ sql, params }) =>
      condition(
        `x.screen_number IN (SELECT w.number FROM session o JOIN screen_session w ON w.session_id = o.id WHERE o.number IN (${sql}))`,
        ...params,
      ),
    ofSession: (id) => condition('x.screen_number = (SELECT number FROM screen_session WHERE session_id = ?)', id),
    inSessions: {
      from: `screen_text t CROSS JOIN screen r ON r.time_key = t.rowid CROSS JOIN screen_session w ON w.number = r.screen_number
        CROSS JOIN session o ON o.id = w.session_id`,
      of: 'o.number',
    },
    withinSession: 'screen_session w CROSS JOIN screen r ON r.screen_number = w.number WHERE w.session_id = s.id',
  },
  events: {
    table: 'event',
    join: 'LEFT JOIN session s ON s.id = x.session_id',
    sessionId: 'x.session_id',
    user: 'x.user',
    bastion: 'x.bastion',
    target: 'x.target',
    sourceIp: 'x.source_ip',
    addresses: 'event',
    ofSessions: ({ sql, params }) =>
      condition(`x.session_id IN (SELECT o.id FROM session o WHERE o.number IN (${sql}))`, ...params),
    ofSession: (id) => condition('x.session_id = ?', id),
    inSessions: {
      from: 'event_text t CROSS JOIN event r ON r.time_key = t.rowid CROSS JOIN session o ON o.id = r.session_id',
      of: 'o.number',
    },
    withinSession: 'event r WHERE r.session_id = s.id',
  },
}
