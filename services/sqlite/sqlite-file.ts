import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { diskError, systemCode } from '../disk-error.ts'
import { BartizanError, type ErrorCode } from '../errors.ts'

/** Primary result codes of SQLite (sqlite.org/rescode.html) that say something to the operator. */
const codes: Record<number, ErrorCode> = {
  5: 'BTZ_UNAVAILABLE', // SQLITE_BUSY
  8: 'BTZ_DATA_UNWRITABLE', // SQLITE_READONLY
  13: 'BTZ_DISK_FULL', // SQLITE_FULL
  14: 'BTZ_DATA_UNWRITABLE', // SQLITE_CANTOPEN
}

/** What SQLite says, in our words; any other error as it is. */
export const sqliteError = (cause: unknown, what: string): unknown => {
  const { errcode } = cause as { errcode?: number }
  if (errcode === undefined) return diskError(cause, what)
  const code = codes[errcode & 0xff] ?? 'BTZ_INTERNAL'
  return new BartizanError(code, `${what}: ${(cause as Error).message}`, { cause })
}

/** SQLite would make the file readable for all. Never opens one that exists: see fcntl(2) on closing descriptors. */
export const createPrivateFile = (file: string): void => {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

/** All of `work` or nothing of it, durable when this returns. */
export const inTransaction = <T>(database: DatabaseSync, work: () => T): T => {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const checkpointTries = 5

/**
 * Writes the file anew, so that nothing of what was removed or replaced is left in it or in its log. (Copies that a disk or
 * a backup made stay.) @throws BTZ_UNAVAILABLE while somebody reads on and on
 */
export const expungeFile = (database: DatabaseSync, file: string): void => {
  database.exec('VACUUM')
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  for (let tries = 0; tries < checkpointTries; tries++) if ((checkpoint.get() as { busy: number }).busy === 0) return
  throw new BartizanError('BTZ_UNAVAILABLE', `${file} is being read: what was removed is in its log still`)
}

const migrate = (database: DatabaseSync, file: string, migrations: readonly string[]): void =>
  inTransaction(database, () => {
    const { user_version: present } = database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (present > migrations.length) {
      throw new BartizanError('BTZ_INTERNAL', `${file} was written by a newer version (schema ${present})`, {
        hint: `this version knows schema ${migrations.length}: install the newer one again, or restore a backup`,
      })
    }
    for (const migration of migrations.slice(present)) database.exec(migration)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
  })

/**
 * A database that is durable after each commit. `migrations[n]` takes schema n to n + 1; those missing are run.
 * @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL BTZ_UNAVAILABLE BTZ_INTERNAL
 */
export const openSqliteFile = (file: string, migrations: readonly string[]): DatabaseSync => {
  try {
    createPrivateFile(file)
    const database = new DatabaseSync(file, { timeout: 5_000 })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    migrate(database, file, migrations)
    return database
  } catch (error) {
    throw sqliteError(error, file)
  }
}
