import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { walkKeys } from './evidence-walk.ts'
import { createFolderReader } from './folder-listing.ts'
import { checkKey, foldersOfPrefix } from './recording-key.ts'
import type { RecordingReader, StoredObject } from './recording-store.ts'
import { latestOf, marksOf } from './retention-marks.ts'

const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'])

export const nullIfAbsent = (error: unknown): null => {
  if (absentCodes.has(systemCode(error) ?? '')) return null
  throw error
}

export const notFound = (key: string) =>
  new BartizanError('BTZ_RECORDING_NOT_FOUND', `there is no evidence under ${key}`)

const readRange = async (handle: FileHandle, start: number, length: number): Promise<Uint8Array> => {
  const { size } = await handle.stat()
  const from = Math.min(size, start < 0 ? Math.max(0, size + start) : start)
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - from)))
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, from + filled)
    if (bytesRead === 0) throw new BartizanError('BTZ_EVIDENCE_CORRUPT', 'an evidence file shrank while it was read')
    filled += bytesRead
  }
  return bytes
}

/** Objects as files below `folder`. */
export const createFileRecordingReader = (folder: string): RecordingReader => {
  const readFolder = createFolderReader()
  const describe = async (key: string, retainUntil: Date | null): Promise<StoredObject | null> => {
    const found = await lstat(join(folder, key)).catch(nullIfAbsent)
    if (!found?.isFile()) return null
    return { key, sizeBytes: found.size, retainUntil, storedAt: found.mtime }
  }
  return {
    get: async (key, range = { start: 0, length: Number.POSITIVE_INFINITY }) => {
      checkKey(key)
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW
      const handle = await open(join(folder, key), flags).catch(nullIfAbsent)
      if (!handle) throw notFound(key)
      try {
        if (!(await handle.stat()).isFile()) throw notFound(key)
        return await readRange(handle, range.start, range.length)
      } finally {
        await handle.close()
      }
    },
    head: async (key) => {
      checkKey(key)
      const found = await describe(key, null)
      return found && { ...found, retainUntil: latestOf(await marksOf(join(folder, key))) }
    },
    list: async (prefix, { after = '', limit }) => {
      const found: StoredObject[] = []
      if (!(limit >= 1)) return found
      for (const start of foldersOfPrefix(prefix)) {
        for await (const { key, retainUntil } of walkKeys(start, { root: folder, readFolder, prefix, after })) {
          const object = await describe(key, retainUntil)
          if (object) found.push(object)
          if (found.length >= limit) return found
        }
      }
      return found
    },
  }
}
