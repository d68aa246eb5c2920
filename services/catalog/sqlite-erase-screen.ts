import type { DatabaseSync } from 'node:sqlite'
import type { TextChange } from './sqlite-full-text.ts'

/** Takes all that was derived of a session's terminal out of the tables. */
export const createScreenEraser = (database: DatabaseSync, changes: TextChange[]) => {
  const numberOf = database.prepare('SELECT number FROM screen_session WHERE session_id = ?')
  const texts = database.prepare('SELECT time_key AS rowKey FROM screen WHERE screen_number = ?')
  texts.setReadBigInts(true)
  const forgets = ['screen', 'screen_segment', 'screen_keyframe', 'screen_state'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE screen_number = ?`),
  )
  const forgetSession = database.prepare('DELETE FROM screen_session WHERE number = ?')
  return {
    /** Returns how many rows that took. */
    eraseScreen: (sessionId: string): number => {
      const found = numberOf.get(sessionId) as { number: number } | undefined
      if (!found) return 0
      for (const { rowKey } of texts.iterate(found.number) as Iterable<{ rowKey: bigint }>)
        changes.push({ table: 'screen_text', rowKey, text: null, replaces: true })
      const taken = forgets.reduce((sum, statement) => sum + Number(statement.run(found.number).changes), 0)
      return taken + Number(forgetSession.run(found.number).changes)
    },
  }
}
