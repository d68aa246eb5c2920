import type { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { BartizanError } from '../errors.ts'
import { expungeFile, inTransaction, openSqliteFile, sqliteError } from '../sqlite/sqlite-file.ts'
import { answerCalls } from '../worker-calls.ts'
import { migrations } from './migrations.ts'
import { createEraser, mergeTexts } from './sqlite-erase.ts'
import { createScreenEraser } from './sqlite-erase-screen.ts'
import { createTextWriter, type TextChange } from './sqlite-full-text.ts'
import { createIngestReads } from './sqlite-ingest-reads.ts'
import { createTextRebuild } from './sqlite-text-rebuild.ts'
import { createAlertWriter } from './sqlite-write-alerts.ts'
import { createBlockWriter } from './sqlite-write-blocks.ts'
import { createEventWriter } from './sqlite-write-events.ts'
import { createScreenWriter } from './sqlite-write-screen.ts'
import { createSessionWriter } from './sqlite-write-sessions.ts'
import type { WriteOutcome } from './write-queue.ts'

/** The thread that writes. */

const createWrites = (database: DatabaseSync, changes: TextChange[]) => ({
  ...createSessionWriter(database, changes),
  ...createEventWriter(database, changes),
  ...createBlockWriter(database),
  ...createAlertWriter(database, changes),
  ...createEraser(database, changes),
  ...createScreenEraser(database, changes),
  ...createScreenWriter(database, changes),
  ...createIngestReads(database),
  ...createTextRebuild(database, changes),
})
export type Writes = ReturnType<typeof createWrites>

/** One call of Writes, by name. */
export type Write = { [Name in keyof Writes]: { name: Name; args: Parameters<Writes[Name]> } }[keyof Writes]

const createApply = (database: DatabaseSync, file: string) => {
  const changes: TextChange[] = []
  const writes = createWrites(database, changes)
  const text = createTextWriter(database)

  /** A call that fails leaves nothing behind and does not fail those beside it. */
  const outcomeOf = ({ name, args }: Write): WriteOutcome => {
    const changesBefore = changes.length
    database.exec('SAVEPOINT call')
    try {
      const result: unknown = Reflect.apply(writes[name], undefined, args)
      database.exec('RELEASE call')
      return { result }
    } catch (error) {
      const { code, message } = asOurs(sqliteError(error, file))
      if (!database.isTransaction) throw error // a full disk, say, has undone all of it
      database.exec('ROLLBACK TO call; RELEASE call')
      changes.length = changesBefore
      return { code, message }
    }
  }

  return (calls: Write[]): WriteOutcome[] => {
    changes.length = 0
    try {
      return inTransaction(database, () => {
        const outcomes = calls.map(outcomeOf)
        text.write(changes)
        return outcomes
      })
    } catch (error) {
      throw sqliteError(error, file)
    }
  }
}

const asOurs = (error: unknown): BartizanError =>
  error instanceof BartizanError ? error : new BartizanError('BTZ_INTERNAL', (error as Error).message)

export type WriterOperations = { apply(calls: Write[]): WriteOutcome[]; expunge(): void }

answerCalls(() => {
  const { file } = workerData as { file: string }
  const database = openSqliteFile(file, migrations)
  database.exec('PRAGMA cache_size = -65536') // KiB
  const expunge = (): void => {
    try {
      mergeTexts(database)
      expungeFile(database, file)
    } catch (error) {
      throw sqliteError(error, file)
    }
  }
  return { operations: { apply: createApply(database, file), expunge }, close: () => database.close() }
})
