import type { DatabaseSync } from 'node:sqlite'
import { distinctTermsOf } from './analyzer.ts'
import { createRebuildLimits } from './sqlite-text-rebuild.ts'
import { userTerm } from './user-term.ts'

export const textTables = ['session_text', 'command_text', 'event_text', 'alert_text', 'screen_text'] as const
export type TextTable = (typeof textTables)[number]
/** `text` null: the row is gone. `user`: whose it is, where the index knows that (a session's own text has it). */
export type TextChange = {
  table: TextTable
  rowKey: bigint
  text: string | null
  user?: string | null
  replaces: boolean
}

const termsOfRow = (text: string, user: string | null): string =>
  user === null ? distinctTermsOf(text) : `${userTerm(user)} ${distinctTermsOf(text)}`

const byKey = (a: TextChange, b: TextChange): number => (a.rowKey < b.rowKey ? -1 : 1)

/** Each row once: its last text, and whether the index knew the row before all of these changes. */
const lastOfEach = (changes: readonly TextChange[]): TextChange[] => {
  const rows = new Map<bigint, TextChange>()
  for (const change of changes) {
    rows.set(change.rowKey, { ...change, replaces: rows.get(change.rowKey)?.replaces ?? change.replaces })
  }
  return [...rows.values()].sort(byKey)
}

/**
 * Writes the text of a whole transaction at once: FTS5 writes a segment whenever a row number is not above the one
 * before, so rows have to come in order. Rows that a rebuild has not come to are left to it.
 */
export const createTextWriter = (database: DatabaseSync) => {
  const statements = new Map(
    textTables.map((table) => [
      table,
      {
        remove: database.prepare(`DELETE FROM ${table} WHERE rowid = ?`),
        insert: database.prepare(`INSERT INTO ${table} (rowid, terms) VALUES (?, ?)`),
      },
    ]),
  )
  const rebuildLimits = createRebuildLimits(database)
  return {
    write: (changes: readonly TextChange[]): void => {
      if (changes.length === 0) return
      const limits = rebuildLimits()
      for (const [table, { remove, insert }] of statements) {
        const below = limits.get(table)
        const present = ({ rowKey }: TextChange): boolean => below === undefined || rowKey >= below
        const rows = lastOfEach(changes.filter((change) => change.table === table && present(change)))
        for (const { rowKey, replaces } of rows) if (replaces) remove.run(rowKey)
        for (const { rowKey, text, user = null } of rows) if (text !== null) insert.run(rowKey, termsOfRow(text, user))
      }
    },
  }
}
