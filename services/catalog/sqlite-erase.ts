import type { DatabaseSync } from 'node:sqlite'
import { alertWithoutContent, eventWithoutContent, rowWithoutContent } from '../erasure/without-content.ts'
import type { Alert } from '../schema/alert.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { ErasureState, SessionRow } from './catalog.ts'
import { alertText, eventText, sessionText } from './search-text.ts'
import { createScreenEraser } from './sqlite-erase-screen.ts'
import { type TextChange, type TextTable, textTables } from './sqlite-full-text.ts'

/** `user`: of an event. */
type Keyed = { rowKey: bigint; row: string; user?: string | null }

/** Takes what was derived from a session's content out of the tables; `expunge` takes it out of the files. */
export const createEraser = (database: DatabaseSync, changes: TextChange[]) => {
  const keyed = (sql: string) => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return (...params: (string | bigint)[]) => statement.all(...params) as Keyed[]
  }
  const sessions = keyed('SELECT number AS rowKey, row FROM session WHERE id = ?')
  const events = keyed('SELECT time_key AS rowKey, row, user FROM event WHERE session_id = ?')
  const alerts = keyed(
    `SELECT a.time_key AS rowKey, a.row FROM alert_session s CROSS JOIN alert a ON a.id = s.alert_id
       WHERE s.session_id = ?`,
  )
  const commands = keyed("SELECT time_key AS rowKey, '' AS row FROM command WHERE session_number = ?")
  const update = (table: 'session' | 'event' | 'alert', key: string) =>
    database.prepare(`UPDATE ${table} SET row = ?, text = ? WHERE ${key} = ?`)
  const updates = {
    session: update('session', 'number'),
    event: update('event', 'time_key'),
    alert: update('alert', 'time_key'),
  }
  const forgetCommands = database.prepare('DELETE FROM command WHERE session_number = ?')
  const uncount = database.prepare('UPDATE session SET command_count = 0 WHERE number = ?')
  const forgetProgress = database.prepare('DELETE FROM progress WHERE session_id = ?')
  const mark = database.prepare(
    `INSERT INTO erasure (session_id, state) VALUES (?, ?)
       ON CONFLICT (session_id) DO UPDATE SET state = excluded.state WHERE state <> 'erased'`,
  )

  const { eraseScreen } = createScreenEraser(database, changes)

  const rewrite = <Row>(
    table: 'session' | 'event' | 'alert',
    found: Keyed[],
    without: (row: Row) => Row,
    textOf: (row: Row) => string,
  ): number => {
    let count = 0
    for (const { rowKey, row, user = null } of found) {
      const after = without(JSON.parse(row) as Row)
      const rest = JSON.stringify(after)
      if (rest === row) continue
      const text = textOf(after)
      updates[table].run(rest, text, rowKey)
      changes.push({ table: `${table}_text` as TextTable, rowKey, text, user, replaces: true })
      count++
    }
    return count
  }
  const eraseCommands = (sessionNumber: bigint): number => {
    const found = commands(sessionNumber)
    for (const { rowKey } of found) changes.push({ table: 'command_text', rowKey, text: null, replaces: true })
    forgetCommands.run(sessionNumber)
    uncount.run(sessionNumber)
    return found.length
  }
  return {
    markErasure: (sessionId: string, state: ErasureState): void => {
      mark.run(sessionId, state)
    },
    eraseSession: (sessionId: string): number => {
      const found = sessions(sessionId)
      const rows = rewrite<SessionRow>('session', found, rowWithoutContent, sessionText)
      const ran = found.reduce((sum, { rowKey }) => sum + eraseCommands(rowKey), 0)
      const derived = Number(forgetProgress.run(sessionId).changes)
      const said = rewrite<SessionEvent>('event', events(sessionId), eventWithoutContent, eventText)
      const alerted = rewrite<Alert>('alert', alerts(sessionId), alertWithoutContent, alertText)
      return rows + ran + derived + said + alerted + eraseScreen(sessionId)
    },
  }
}

/** Terms of rows that are gone stay in the index until its parts are merged. */
export const mergeTexts = (database: DatabaseSync): void => {
  for (const table of textTables) database.exec(`INSERT INTO ${table} (${table}) VALUES ('optimize')`)
}
