import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteFile, sqliteError } from '../sqlite/sqlite-file.ts'
import { stateMigrations } from '../state/sqlite-state-schema.ts'
import type { ImageEntry, StateImage } from './state-image.ts'

const reworded = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw sqliteError(error, file)
  }
}

const single = (file: string, sql: string): number => {
  if (!existsSync(file)) return 0
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    return (database.prepare(sql).get() as { n: number }).n
  } finally {
    database.close()
  }
}

/** A read transaction sees one moment and holds nobody up (sqlite.org/isolation.html). */
async function* snapshot(file: string): AsyncGenerator<ImageEntry, void, void> {
  if (!existsSync(file)) return
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    database.exec('BEGIN')
    const rows = database.prepare('SELECT key, value FROM entry ORDER BY key').iterate()
    yield* rows as Iterable<ImageEntry>
  } finally {
    database.close()
  }
}

const replaceAll = async (file: string, entries: AsyncIterable<ImageEntry>, afterRevision: number): Promise<number> => {
  const database = openSqliteFile(file, stateMigrations)
  try {
    database.exec('BEGIN IMMEDIATE; DELETE FROM entry')
    const put = database.prepare('INSERT INTO entry (key, value, revision) VALUES (?, ?, ?)')
    const { n } = database.prepare('SELECT revision AS n FROM last_revision').get() as { n: number }
    const first = Math.max(n, afterRevision)
    let revision = first
    for await (const { key, value } of entries) put.run(key, value, ++revision)
    database.prepare('UPDATE last_revision SET revision = ?').run(revision)
    database.exec('COMMIT')
    return revision - first
  } finally {
    database.close() // what was not committed is rolled back
  }
}

/** `file`: need not exist. Who replaces its content has to hold the lock of the data folder. */
export const openSqliteStateImage = (file: string): StateImage => ({
  entries: () => snapshot(file),
  lastRevision: () => reworded(file, async () => single(file, 'SELECT revision AS n FROM last_revision')),
  count: () => reworded(file, async () => single(file, 'SELECT COUNT(*) AS n FROM entry')),
  replace: (entries, afterRevision) => reworded(file, () => replaceAll(file, entries, afterRevision)),
  close: async () => {},
})
