import type { DatabaseSync } from 'node:sqlite'
import type { SessionEvent } from '../schema/session-event.ts'
import type { ConnectionEvents, ConnectionSession, Progress, SessionRow } from './catalog.ts'
import { connectionSession, maxConnectionEvents } from './session-page.ts'
import { ofConnection } from './sqlite-read-logins.ts'

const maxConnectionSessions = 1_000
const maxBastions = 10_000

/** What ingest asks: answered by the writer's thread, so that it never waits behind a person's search. */
export const createIngestReads = (database: DatabaseSync) => {
  const progress = database.prepare(
    'SELECT next_seq AS nextSeq, progress, state FROM session JOIN progress ON session_id = id WHERE id = ?',
  )
  const open = database.prepare('SELECT id, next_seq AS nextSeq FROM session WHERE bastion = ? AND closing IS NULL')
  const connection = database.prepare(
    `SELECT row FROM (SELECT row, started_at_ms, id FROM session WHERE connection_id = ?
       ORDER BY started_at_ms DESC, id DESC LIMIT ${maxConnectionSessions}) ORDER BY started_at_ms, id`,
  )
  const events = database.prepare(
    `SELECT row FROM event INDEXED BY event_by_connection WHERE ${ofConnection} AND bastion = ?
       ORDER BY time_key LIMIT ${maxConnectionEvents + 1}`,
  )
  // One step along the index per name, however many events there are.
  const bastions = database.prepare(
    `WITH RECURSIVE name (bastion) AS (
       SELECT min(bastion) FROM event
       UNION ALL SELECT (SELECT min(bastion) FROM event WHERE bastion > name.bastion) FROM name WHERE bastion IS NOT NULL)
     SELECT bastion FROM name WHERE bastion IS NOT NULL LIMIT ${maxBastions}`,
  )
  return {
    bastions: () => (bastions.all() as { bastion: string }[]).map(({ bastion }) => bastion),
    progress: (sessionId: string) => (progress.get(sessionId) as Progress | undefined) ?? null,
    openSessions: (bastion: string) => open.all(bastion) as { id: string; nextSeq: number }[],
    connectionSessions: (connectionId: string): ConnectionSession[] =>
      (connection.all(connectionId) as { row: string }[]).map(({ row }) =>
        connectionSession(JSON.parse(row) as SessionRow),
      ),
    connectionEvents: (bastion: string, connectionId: string): ConnectionEvents => {
      const found = events.all(connectionId, bastion) as { row: string }[]
      return {
        events: found.slice(0, maxConnectionEvents).map(({ row }) => JSON.parse(row) as SessionEvent),
        more: found.length > maxConnectionEvents,
      }
    },
  }
}
