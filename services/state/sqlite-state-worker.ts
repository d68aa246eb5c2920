import type { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { BartizanError } from '../errors.ts'
import { expungeFile, inTransaction, openSqliteFile, sqliteError } from '../sqlite/sqlite-file.ts'
import { answerCalls } from '../worker-calls.ts'
import { stateMigrations } from './sqlite-state-schema.ts'

/** `value` is JSON. */
export type EntryRow = { key: string; value: string; revision: number }

const prepare = (database: DatabaseSync) => ({
  get: database.prepare('SELECT key, value, revision FROM entry WHERE key = ?'),
  nextRevision: database.prepare('UPDATE last_revision SET revision = revision + 1 RETURNING revision'),
  put: database.prepare('INSERT OR REPLACE INTO entry (key, value, revision) VALUES (?, ?, ?)'),
  remove: database.prepare('DELETE FROM entry WHERE key = ?'),
  list: database.prepare(
    'SELECT key, value, revision FROM entry WHERE key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?',
  ),
})

const createOperations = (database: DatabaseSync, file: string) => {
  const statements = prepare(database)
  const get = (key: string) => (statements.get.get(key) as EntryRow | undefined) ?? null

  const checkRevision = (key: string, ifRevision: number | undefined): void => {
    if (ifRevision === undefined) return
    const present = get(key)?.revision ?? 0
    if (present === ifRevision) return
    throw new BartizanError('BTZ_STATE_CONFLICT', `${key} stands at revision ${present}, not ${ifRevision}`)
  }

  return {
    get,
    put: (key: string, value: string, ifRevision: number | undefined): number =>
      inTransaction(database, () => {
        checkRevision(key, ifRevision)
        const { revision } = statements.nextRevision.get() as { revision: number }
        statements.put.run(key, value, revision)
        return revision
      }),
    remove: (key: string, ifRevision: number | undefined): void =>
      inTransaction(database, () => {
        checkRevision(key, ifRevision)
        statements.remove.run(key)
      }),
    /** Keys from `from` on and before `before`, after `after`. */
    list: (from: string, before: string, after: string, limit: number): EntryRow[] =>
      statements.list.all(from, after, before, limit) as EntryRow[],
    expunge: (): void => expungeFile(database, file),
  }
}
export type StateOperations = ReturnType<typeof createOperations>

const reworded = (operations: StateOperations, file: string): StateOperations => {
  const reword =
    <A extends unknown[], R>(operation: (...args: A) => R) =>
    (...args: A): R => {
      try {
        return operation(...args)
      } catch (error) {
        throw sqliteError(error, file)
      }
    }
  const { get, put, remove, list, expunge } = operations
  return { get: reword(get), put: reword(put), remove: reword(remove), list: reword(list), expunge: reword(expunge) }
}

answerCalls(() => {
  const { file } = workerData as { file: string }
  const database = openSqliteFile(file, stateMigrations)
  return { operations: reworded(createOperations(database, file), file), close: () => database.close() }
})
