import type { List, Session } from '../schema/session.ts'
import { hasText } from '../search/hit-tree.ts'
import type { ErasureState, SessionQuery, SessionRow } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { SessionPlace, sessionOf } from './session-page.ts'
import { sessionCondition } from './sqlite-query-sql.ts'
import { readLogin } from './sqlite-read-logins.ts'
import { allOf, type Condition, condition, equals, type Select, totalOf } from './sqlite-select.ts'
import { checkIndexed } from './sqlite-text-match.ts'

type SessionColumns = { row: string; commandCount: number; sealed: number; erasure: ErasureState | null }
type ListedSession = SessionColumns & { startedAtMs: number; id: string }

const columns = `s.row, s.command_count AS commandCount, s.started_at_ms AS startedAtMs, s.id,
  EXISTS (SELECT 1 FROM sealed WHERE session_id = s.id) AS sealed,
  (SELECT state FROM erasure WHERE session_id = s.id) AS erasure`

const sessionIn = (select: Select, { row, commandCount, sealed, erasure }: SessionColumns): Session => {
  const session = JSON.parse(row) as SessionRow
  return sessionOf(session, commandCount, { isSealed: sealed === 1, erasure }, readLogin(select, session))
}

export const readSession = (select: Select, id: string): Session | null => {
  const found = select.first<ListedSession>(`SELECT ${columns} FROM session s WHERE s.id = ?`, [id])
  return found && sessionIn(select, found)
}

const conditionsOf = (query: SessionQuery): Condition[] => [
  ...equals('s.user', query.user),
  ...equals('s.bastion', query.bastion),
  ...equals('s.source_ip', query.sourceIp),
  ...equals('s.state', query.state),
  ...equals('s.connection_id', query.connectionId),
  ...equals('s.parent_id', query.parentId),
  ...(query.to ? [condition('s.started_at_ms <= ?', query.to.getTime())] : []),
  ...(query.from ? [condition('s.ended_at_ms IS NULL OR s.ended_at_ms >= ?', query.from.getTime())] : []),
]

const afterPlace = ({ startedAtMs, id }: SessionPlace): Condition =>
  condition('(-s.started_at_ms, s.id) > (?, ?) AND s.started_at_ms <= ?', -startedAtMs, id, startedAtMs)

const openAt = (closings: number): Condition => condition('s.closing IS NULL OR s.closing > ?', closings)
const closedAt = (closings: number): Condition => condition('s.closing <= ?', closings)

const section = (select: Select, conditions: readonly Condition[], limit: number): ListedSession[] => {
  if (limit === 0) return []
  const where = allOf(conditions)
  return select.rows<ListedSession>(
    `SELECT ${columns} FROM session s WHERE ${where.sql} ORDER BY s.started_at_ms DESC, s.id LIMIT ?`,
    [...where.params, limit],
  )
}

/** One more than the page holds, to know whether there are more. */
const listed = (
  select: Select,
  filters: readonly Condition[],
  place: SessionPlace | null,
  closings: number,
  limit: number,
) => {
  const after = place ? [afterPlace(place)] : []
  const open = place && !place.open ? [] : section(select, [openAt(closings), ...filters, ...after], limit + 1)
  const closedAfter = place && !place.open ? after : []
  const closed = section(select, [closedAt(closings), ...filters, ...closedAfter], limit + 1 - open.length)
  return [...open.map((row) => ({ ...row, open: true })), ...closed.map((row) => ({ ...row, open: false }))]
}

const closingsNow = (select: Select): number => select.first<{ count: number }>('SELECT count FROM closings', [])!.count

/** Open sessions first, then by start, newest first. */
export const readSessions = (select: Select, query: SessionQuery): List<Session> => {
  const place = decodeCursor('sessions', query, SessionPlace)
  if (query.query && hasText(query.query)) checkIndexed(select)
  const filters = [...conditionsOf(query), ...(query.query ? [sessionCondition(select, query.query)] : [])]
  const closings = place?.closings ?? closingsNow(select)
  const rows = listed(select, filters, place, closings, query.limit)
  const items = rows.slice(0, query.limit)
  const last = rows.length > query.limit ? items.at(-1) : undefined
  const where = allOf(filters)
  return {
    items: items.map((row) => sessionIn(select, row)),
    next: last
      ? encodeCursor('sessions', query, { closings, open: last.open, startedAtMs: last.startedAtMs, id: last.id })
      : null,
    total: totalOf(select.count(`session s WHERE ${where.sql}`, where.params)),
  }
}
