import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { TextChange, TextTable } from './sqlite-full-text.ts'
import type { RebuildStep } from './text-rebuild.ts'

/**
 * The index of terms made anew from the rows, newest first, a step at a time: `text_rebuild` names for each table the
 * key below which its rows are not in the index yet. A step and its limit are one transaction, so that a rebuild goes
 * on after any end of the process; rows written meanwhile go into the index where it stands already.
 */

const rowsPerStep = 500
const charsPerStep = 1024 * 1024

const sources: Record<TextTable, { table: string; key: string; user: string }> = {
  session_text: { table: 'session', key: 'number', user: 'NULL' },
  command_text: {
    table: 'command',
    key: 'time_key',
    user: '(SELECT s.user FROM session s WHERE s.number = command.session_number)',
  },
  event_text: { table: 'event', key: 'time_key', user: 'user' },
  alert_text: { table: 'alert', key: 'time_key', user: 'NULL' },
  screen_text: {
    table: 'screen',
    key: 'time_key',
    user: '(SELECT v.user FROM screen_session v WHERE v.number = screen.screen_number)',
  },
}

type Limit = { name: TextTable; below: bigint }
type Row = { rowKey: bigint; text: string; user: string | null }

/** Reads for each table that is being rebuilt the least key in the index. */
export const createRebuildLimits = (database: DatabaseSync) => {
  const all = database.prepare('SELECT name, below FROM text_rebuild')
  all.setReadBigInts(true)
  return (): Map<TextTable, bigint> => new Map((all.all() as Limit[]).map(({ name, below }) => [name, below]))
}

/** The next rows, as many as a step takes. */
const nextRows = (statement: StatementSync, below: bigint): Row[] => {
  const rows: Row[] = []
  let chars = 0
  for (const row of statement.iterate(below, rowsPerStep) as Iterable<Row>) {
    rows.push(row)
    chars += row.text.length
    if (chars >= charsPerStep) break
  }
  return rows
}

export const createTextRebuild = (database: DatabaseSync, changes: TextChange[]) => {
  const first = database.prepare('SELECT name, below FROM text_rebuild ORDER BY name LIMIT 1')
  first.setReadBigInts(true)
  const move = database.prepare('UPDATE text_rebuild SET below = ? WHERE name = ?')
  const finish = database.prepare('DELETE FROM text_rebuild WHERE name = ?')
  return {
    /** One step, or null when there is nothing to rebuild. */
    rebuildText: (): RebuildStep | null => {
      const limit = first.get() as Limit | undefined
      if (!limit) return null
      const { table, key, user } = sources[limit.name]
      const select = database.prepare(
        `SELECT ${key} AS rowKey, text, ${user} AS user FROM ${table} WHERE ${key} < ? ORDER BY ${key} DESC LIMIT ?`,
      )
      select.setReadBigInts(true)
      const rows = nextRows(select, limit.below)
      for (const row of rows) changes.push({ ...row, table: limit.name, replaces: false })
      const last = rows.at(-1)
      if (last) move.run(last.rowKey, limit.name)
      else finish.run(limit.name)
      return { table: limit.name, rows: rows.length }
    },
  }
}
