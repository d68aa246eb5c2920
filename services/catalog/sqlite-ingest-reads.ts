import type { DatabaseSync } from 'node:sqlite'
import type { ConnectionSession, SessionRow } from './catalog.ts'

const maxConnectionSessions = 1_000

/** What ingest asks: answered by the writer's thread, so that it never waits behind a person's search. */
export const createIngestReads = (database: DatabaseSync) => {
  const progress = database.prepare(
    'SELECT next_seq AS nextSeq, progress FROM session JOIN progress ON session_id = id WHERE id = ?',
  )
  const open = database.prepare('SELECT id, next_seq AS nextSeq FROM session WHERE bastion = ? AND closing IS NULL')
  const connection = database.prepare(
    `SELECT row FROM (SELECT row, started_at_ms, id FROM session WHERE connection_id = ?
       ORDER BY started_at_ms DESC, id DESC LIMIT ${maxConnectionSessions}) ORDER BY started_at_ms, id`,
  )
  return {
    progress: (sessionId: string) =>
      (progress.get(sessionId) as { nextSeq: number; progress: string } | undefined) ?? null,
    openSessions: (bastion: string) => open.all(bastion) as { id: string; nextSeq: number }[],
    connectionSessions: (connectionId: string): ConnectionSession[] =>
      connection.all(connectionId).map((found) => {
        const { id, parentId, tty, startedAt, endedAt } = JSON.parse((found as { row: string }).row) as SessionRow
        return { id, parentId, tty, startedAt, endedAt }
      }),
  }
}
