import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { diskError } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { startWorkerCalls } from '../worker-calls.ts'
import type { EntryRow, StateOperations } from './sqlite-state-worker.ts'
import { checkKey, encodeValue, pageOf } from './state-limits.ts'
import type { StateEntry, StateStore } from './state-store.ts'

const maxPending = 1_000

/** Sorts after every key with the prefix before it: the last code point is no character and stands in no key. */
const last = '\u{10ffff}'

const decode = ({ key, value, revision }: EntryRow): StateEntry => ({ key, value: JSON.parse(value), revision })

/**
 * Keys of 1 to 512 characters, values of at most 16 Mi characters of JSON, in one SQLite file. Every put is synced.
 * @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL; each call also BTZ_REQUEST_INVALID, BTZ_UNAVAILABLE (overload, worker lost)
 */
export const createSqliteStateStore = async ({ file }: { file: string }): Promise<StateStore> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw diskError(error, file)
  })
  const worker = await startWorkerCalls<StateOperations>({
    file: new URL('./sqlite-state-worker.ts', import.meta.url),
    data: { file },
    what: 'the state store',
    maxPending,
  })
  await syncFolder(dirname(file))
  return {
    get: async (key) => {
      checkKey(key)
      const row = await worker.call('get', key)
      return row && decode(row)
    },
    put: async (key, value, { ifRevision } = {}) => {
      checkKey(key)
      return worker.call('put', key, encodeValue(key, value), ifRevision)
    },
    delete: async (key, { ifRevision } = {}) => {
      checkKey(key)
      return worker.call('remove', key, ifRevision)
    },
    list: async (prefix, { after = '', limit }) => {
      if (prefix) checkKey(prefix)
      if (after) checkKey(after)
      return (await worker.call('list', prefix, prefix + last, after, pageOf(limit))).map(decode)
    },
    expunge: () => worker.call('expunge'),
    close: () => worker.close(),
  }
}
