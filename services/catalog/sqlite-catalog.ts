import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createSerial } from '../bus/serial.ts'
import type { Clock } from '../clock.ts'
import { diskError } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import type { Logger } from '../log.ts'
import type { Views } from '../views/views.ts'
import { startWorkerCalls, type WorkerCalls } from '../worker-calls.ts'
import { type Catalog, maxHitRows } from './catalog.ts'
import { checkedLimit } from './checked-limit.ts'
import { createDurableSeqs } from './durable-seqs.ts'
import { keepWorker } from './lasting-worker.ts'
import { createReaderPool } from './reader-pool.ts'
import type { ReaderOperations } from './sqlite-catalog-reader.ts'
import type { Write, WriterOperations, Writes } from './sqlite-catalog-writer.ts'
import { rebuildInBackground } from './text-rebuild.ts'
import { createWriteQueue } from './write-queue.ts'

const maxTogether = 512 // writes of one transaction

export type SqliteCatalogOptions = {
  file: string
  readers: number // threads
  queryTimeoutMs: number
  clock: Clock
  log: Logger
}

const startThread = <Operations extends Record<keyof Operations, (...args: never[]) => unknown>>(
  name: 'writer' | 'reader',
  file: string,
): Promise<WorkerCalls<Operations>> =>
  startWorkerCalls<Operations>({
    file: new URL(`./sqlite-catalog-${name}.ts`, import.meta.url),
    data: { file },
    what: `the ${name} of the catalog`,
    maxPending: name === 'writer' ? 2 : 1, // one that writes rows, one that expunges
  })

/**
 * All in one SQLite file: one thread writes, others read. What is acknowledged survives the death of the process and
 * of the machine. A thread that dies is started again; what it was doing is rejected with the reason. After an update
 * that changes how texts are indexed, all but text searches goes on while the index is made anew.
 * @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL BTZ_INTERNAL (a newer schema); each call also BTZ_UNAVAILABLE (overload)
 */
export const createSqliteCatalog = async (options: SqliteCatalogOptions): Promise<Catalog & Views> => {
  const { file, queryTimeoutMs, clock, log } = options
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw diskError(error, file)
  })
  const writer = await keepWorker(() => startThread<WriterOperations>('writer', file), log)
  const startReader = () => keepWorker(() => startThread<ReaderOperations>('reader', file), log)
  const readers = await Promise.all(Array.from({ length: options.readers }, startReader))
  await syncFolder(dirname(file))

  const queue = createWriteQueue<Write>(async (writes) => (await writer.current()).call('apply', writes), {
    maxTogether,
  })
  const write = <Name extends keyof Writes>(name: Name, ...args: Parameters<Writes[Name]>) =>
    queue.add({ name, args } as Write) as Promise<ReturnType<Writes[Name]>>
  const pool = createReaderPool(readers, queryTimeoutMs, clock)
  const oneByOne = createSerial()
  const rebuild = rebuildInBackground(() => write('rebuildText'), log)

  return {
    putBlock: (row) => write('putBlock', row),
    markSealed: (sessionId, manifestKey) => write('markSealed', sessionId, manifestKey),
    indexFrames: (update) => write('indexFrames', update),
    putEvents: (events) => write('putEvents', events),
    markLate: (sessionIds, isLate) => write('markLate', sessionIds, isLate),
    markErasure: (sessionId, state) => write('markErasure', sessionId, state),
    eraseSession: (sessionId) => write('eraseSession', sessionId),
    expunge: () => oneByOne(async () => (await writer.current()).call('expunge')),
    markTruncated: (sessionIds) => write('markTruncated', sessionIds),
    putUnrecorded: (rows, gone) => write('putUnrecorded', rows, gone),
    putAlerts: (alerts) => write('putAlerts', alerts),
    progress: (sessionId) => write('progress', sessionId),
    indexScreen: (update) => write('indexScreen', update),
    screenProgress: (sessionId) => write('screenProgress', sessionId),
    deleteScreen: async (sessionId) => {
      await write('eraseScreen', sessionId)
    },
    openSessions: (bastion) => write('openSessions', bastion),
    connectionSessions: (connectionId) => write('connectionSessions', connectionId),
    connectionEvents: (bastion, connectionId) => write('connectionEvents', bastion, connectionId),
    bastions: () => write('bastions'),
    session: (id) => pool.run('session', id),
    sessions: async (query) => pool.run('sessions', checkedLimit(query)),
    commands: async (sessionId, page) => pool.run('commands', checkedLimit({ sessionId, ...page })),
    blocks: (sessionId) => pool.run('blocks', sessionId),
    durableSeqs: createDurableSeqs((known) => pool.run('ranges', known)),
    coverage: (query) => pool.run('coverage', query),
    events: async (query) => pool.run('events', checkedLimit(query)),
    alert: (id) => pool.run('alert', id),
    alerts: async (query) => pool.run('alerts', checkedLimit(query)),
    search: async (query) => pool.run('search', checkedLimit(query)),
    hitRows: async (query) => pool.run('hitRows', checkedLimit(query, maxHitRows)),
    fieldValues: async (query) => pool.run('fieldValues', checkedLimit(query)),
    segments: (sessionId) => pool.run('segments', sessionId),
    segment: (sessionId, number) => pool.run('segment', { sessionId, number }),
    liveState: (sessionId) => pool.run('liveState', sessionId),
    unavailable: (sessionId) => pool.run('unavailable', sessionId),
    close: async () => {
      await rebuild.stop()
      await queue.drained()
      await Promise.all([writer, ...readers].map((thread) => thread.close()))
    },
  }
}
