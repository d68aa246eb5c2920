import type { DatabaseSync } from 'node:sqlite'
import type { SessionRow } from './catalog.ts'
import type { TextChange } from './sqlite-full-text.ts'
import type { PutRow } from './sqlite-write-sessions.ts'

/** Sessions that no recorder saw: rows without batches. */
export const createLedgerWriter = (database: DatabaseSync, changes: TextChange[], putRow: PutRow) => {
  const remove = database.prepare('DELETE FROM session WHERE id = ? AND next_seq = 0 RETURNING number')
  const present = database.prepare('SELECT row FROM session WHERE id = ?')
  return {
    putUnrecorded: (rows: SessionRow[], gone: string[]): void => {
      for (const row of rows) {
        const before = present.get(row.id) as { row: string } | undefined
        if (before?.row !== JSON.stringify(row)) putRow(row, 0)
      }
      for (const id of gone) {
        const removed = remove.get(id) as { number: number } | undefined
        if (removed) {
          const rowKey = BigInt(removed.number)
          changes.push({ table: 'session_text', rowKey, text: null, replaces: true })
        }
      }
    },
  }
}
