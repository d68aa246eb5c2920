import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskError } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { walkKeys } from './evidence-walk.ts'
import { notFound, nullIfAbsent } from './file-recording-reader.ts'
import { createFolderReader } from './folder-listing.ts'
import { addHoldMark, lastHoldMark } from './hold-marks.ts'
import type { HoldStore } from './hold-store.ts'
import { makeImmutable } from './immutable-files.ts'
import { checkKey, foldersOfPrefix } from './recording-key.ts'
import type { RecordingStore } from './recording-store.ts'

/** Every key below `folder` with this prefix. */
export async function* keysInFiles(folder: string, prefix: string): AsyncGenerator<string, void, void> {
  const readFolder = createFolderReader()
  for (const start of foldersOfPrefix(prefix))
    for await (const { key } of walkKeys(start, { root: folder, readFolder, prefix, after: '' })) yield key
}

/** Holds of evidence in files: marks beside each. `recordings`: the store of the same folder. */
export const createFileHoldStore = (options: {
  folder: string
  immutable: boolean
  recordings: Pick<RecordingStore, 'extendRetention'>
}): HoldStore => {
  const { folder, immutable, recordings } = options
  const fileOf = async (key: string): Promise<string> => {
    checkKey(key)
    const file = join(folder, key)
    if (!(await lstat(file).catch(nullIfAbsent))?.isFile()) throw notFound(key)
    return file
  }
  return {
    keys: (prefix) => keysInFiles(folder, prefix),
    setHold: async (key, on) => {
      const file = await fileOf(key)
      const last = await lastHoldMark(file)
      if ((last?.on ?? false) === on) return syncFolder(dirname(file)) // made by a process that was killed before
      const mark = await addHoldMark(file, last, on).catch((error: unknown) => {
        throw diskError(error, key)
      })
      await syncFolder(dirname(file))
      if (immutable) await makeImmutable([mark])
    },
    isHeld: async (key) => (await lastHoldMark(await fileOf(key)))?.on ?? false,
    extendRetention: recordings.extendRetention,
    close: async () => {},
  }
}
