import type { SessionLogin } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SessionRow } from './catalog.ts'
import { failurePlace, loginPlace, maxFailures, sessionLogin } from './session-login.ts'
import type { Select } from './sqlite-select.ts'
import { firstKeyOf, lastKeyOf } from './sqlite-time-key.ts'

/** The condition of the index event_by_connection, word for word: without it SQLite does not take the index. */
export const ofConnection = `connection_id = ? AND kind IN ('login', 'session_started', 'session_ended')`

const loginSql = `SELECT row FROM event INDEXED BY event_by_connection
  WHERE ${ofConnection} AND kind = 'login' AND bastion = ? AND time_key <= ? ORDER BY time_key DESC LIMIT 1`

const failuresSql = `SELECT count(*) AS n FROM (SELECT 1 FROM event INDEXED BY event_failed_from
  WHERE kind = 'login_failed' AND source_ip = ? AND bastion = ? AND time_key BETWEEN ? AND ? LIMIT ${maxFailures})`

const failuresBefore = (select: Select, login: SessionEvent): number => {
  const place = failurePlace(login)
  if (place === null) return 0
  const { sourceIp, bastion, fromMs, toMs } = place
  return select.first<{ n: number }>(failuresSql, [sourceIp, bastion, firstKeyOf(fromMs), lastKeyOf(toMs)])!.n
}

export const readLogin = (select: Select, row: SessionRow): SessionLogin | null => {
  const place = loginPlace(row)
  if (place === null) return null
  const { connectionId, bastion, notAfterMs } = place
  const found = select.first<{ row: string }>(loginSql, [connectionId, bastion, lastKeyOf(notAfterMs)])
  if (found === null) return null
  const login = JSON.parse(found.row) as SessionEvent
  return sessionLogin(login, failuresBefore(select, login))
}
