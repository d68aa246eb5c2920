import { mkdirSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { diskError } from '../disk-error.ts'
import { writeFileDurably } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { createPrivateFile } from '../sqlite/sqlite-file.ts'

export type Holder = { pid: number; what: string }
export type Lock = { release(): Promise<void> }

const HolderFile = z.object({ pid: z.number().int(), what: z.string().max(200) })
const holderFile = (file: string) => `${file}.holder.json`

const busy = 5 // SQLITE_BUSY (sqlite.org/rescode.html)

/** Held until release: a database that is garbage-collected closes, and its lock is gone. */
const held = new Set<DatabaseSync>()

const lockDatabase = (file: string): DatabaseSync => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  createPrivateFile(file)
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const safeJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const lockedError = async (file: string, cause: unknown): Promise<BartizanError> => {
  const text = await readFile(holderFile(file), 'utf8').catch(() => '')
  const holder = HolderFile.safeParse(safeJson(text)).data
  const by = holder ? `process ${holder.pid} (${holder.what})` : 'another process'
  return new BartizanError('BTZ_DATA_LOCKED', `${dirname(file)} is in use by ${by}`, {
    hint: 'stop it, or use another data folder (BARTIZAN_DATA)',
    cause,
  })
}

const refusal = async (file: string, cause: unknown): Promise<unknown> => {
  const error = cause as { errcode?: number; message: string }
  if (error.errcode === busy) return lockedError(file, cause)
  if (error.errcode === undefined) return diskError(cause, file)
  return new BartizanError('BTZ_DATA_UNWRITABLE', `${file}: ${error.message}`, { cause })
}

/**
 * The one holder of `file`, until release or the end of this process, however it ends: the kernel holds the lock, as
 * SQLite's own on that file. No other code of this process may open `file`: POSIX drops all locks a process has on a
 * file when it closes any descriptor of it (fcntl(2), "Record locking"); who holds it stands in a file beside it.
 * @throws BTZ_DATA_LOCKED naming the holder, BTZ_DATA_UNWRITABLE, BTZ_DISK_FULL
 */
export const acquireLock = async (file: string, holder: Holder): Promise<Lock> => {
  let database: DatabaseSync
  try {
    database = lockDatabase(file)
  } catch (error) {
    throw await refusal(file, error)
  }
  held.add(database)
  const free = () => {
    if (held.delete(database)) database.close()
  }
  try {
    await writeFileDurably(holderFile(file), `${JSON.stringify(holder)}\n`)
  } catch (error) {
    free()
    throw diskError(error, holderFile(file))
  }
  return {
    release: async () => {
      if (held.has(database)) rmSync(holderFile(file), { force: true })
      free()
    },
  }
}
