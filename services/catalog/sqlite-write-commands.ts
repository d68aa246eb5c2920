import type { DatabaseSync } from 'node:sqlite'
import type { Command } from '../schema/session.ts'
import { commandText } from './search-text.ts'
import type { TextChange } from './sqlite-full-text.ts'
import { createTimeKeys, firstKeyOf, lastKeyOf } from './sqlite-time-key.ts'

type Present = { time_key: bigint; text: string }
type Owner = { sessionNumber: number; startedAtMs: number; user: string }

export const createCommandWriter = (database: DatabaseSync, changes: TextChange[]) => {
  const keys = createTimeKeys(database, 'command')
  const present = database.prepare('SELECT time_key, text FROM command WHERE session_number = ? AND number = ?')
  present.setReadBigInts(true)
  const ofSession = database.prepare('SELECT time_key, text FROM command WHERE session_number = ?')
  ofSession.setReadBigInts(true)
  const insert = database.prepare(
    'INSERT INTO command (time_key, session_number, number, row, text) VALUES (?, ?, ?, ?, ?)',
  )
  const update = database.prepare('UPDATE command SET time_key = ?, row = ?, text = ? WHERE time_key = ?')
  const forget = database.prepare('DELETE FROM command_text WHERE rowid = ?')

  const replace = (before: Present, atMs: number, user: string, row: string, text: string): void => {
    const stays = before.time_key >= firstKeyOf(atMs) && before.time_key <= lastKeyOf(atMs)
    const rowKey = stays ? before.time_key : keys.next(atMs)
    update.run(rowKey, row, text, before.time_key)
    if (!stays) forget.run(before.time_key)
    if (!stays || before.text !== text) changes.push({ table: 'command_text', rowKey, text, user, replaces: stays })
  }

  return {
    /** Returns 1 for a new command, 0 for one that replaces its earlier row. */
    put: ({ sessionNumber, startedAtMs, user }: Owner, number: number, command: Command): 0 | 1 => {
      const atMs = startedAtMs + command.atMs
      const [row, text] = [JSON.stringify(command), commandText(command)]
      const before = present.get(sessionNumber, number) as Present | undefined
      if (before) {
        replace(before, atMs, user, row, text)
        return 0
      }
      const rowKey = keys.next(atMs)
      insert.run(rowKey, sessionNumber, number, row, text)
      changes.push({ table: 'command_text', rowKey, text, user, replaces: false })
      return 1
    },
    /** The session's rows are another user's from now on. */
    moveTo: (sessionNumber: number, user: string): void => {
      for (const { time_key: rowKey, text } of ofSession.iterate(sessionNumber) as Iterable<Present>)
        changes.push({ table: 'command_text', rowKey, text, user, replaces: true })
    },
  }
}
