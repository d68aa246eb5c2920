import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { diskError } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { startWorkerCalls } from '../worker-calls.ts'
import type { EntryRow, StateOperations } from './sqlite-state-worker.ts'
import type { StateEntry, StateStore } from './state-store.ts'

const maxKeyLength = 512
const maxValueLength = 16 * 1024 * 1024
const maxPending = 1_000
const maxPage = 10_000

/** Sorts after every key with the prefix before it: the last code point is no character and stands in no key. */
const last = '\u{10ffff}'

const checkKey = (key: string): void => {
  const fits = key.length > 0 && key.length <= maxKeyLength
  if (fits && key.isWellFormed() && !/[\u0000-\u001f\u007f]|\u{10ffff}/u.test(key)) return
  throw new BartizanError('BTZ_REQUEST_INVALID', `${JSON.stringify(key.slice(0, 80))} is not a key of the state store`)
}

const encode = (key: string, value: unknown): string => {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new BartizanError('BTZ_REQUEST_INVALID', `the value of ${key} has no JSON form`)
  if (text.length <= maxValueLength) return text
  throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `the value of ${key} is longer than ${maxValueLength} characters`)
}

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
      return worker.call('put', key, encode(key, value), ifRevision)
    },
    delete: async (key, { ifRevision } = {}) => {
      checkKey(key)
      return worker.call('remove', key, ifRevision)
    },
    list: async (prefix, { after = '', limit }) => {
      if (prefix) checkKey(prefix)
      if (after) checkKey(after)
      const page = Math.max(0, Math.min(limit, maxPage))
      return (await worker.call('list', prefix, prefix + last, after, page)).map(decode)
    },
    close: () => worker.close(),
  }
}
