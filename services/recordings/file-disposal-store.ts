import { lstat, readdir, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { diskError, systemCode } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import type { DisposalStore, StoredVersion } from './disposal-store.ts'
import { keysInFiles } from './file-hold-store.ts'
import { nullIfAbsent } from './file-recording-reader.ts'
import { lastHoldMark, parseHoldMark } from './hold-marks.ts'
import { makeMutable } from './immutable-files.ts'
import { checkKey } from './recording-key.ts'
import { latestOf, marksOf, parseMark } from './retention-marks.ts'

/** Root may lift the flag that keeps root from removing a file. */
const unlinkEven = async (file: string): Promise<void> => {
  try {
    await unlink(file)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    if (systemCode(error) !== 'EPERM') throw error
    await makeMutable([file])
    await unlink(file)
  }
}

const nothingThere = new Set(['ENOENT', 'ENOTEMPTY', 'EEXIST'])

/** Evidence in files: the object first, then the marks beside it, so that no object ever stands without its date. */
export const createFileDisposalStore = (folder: string, clock: Clock): DisposalStore => {
  const look = async (key: string): Promise<StoredVersion[]> => {
    checkKey(key)
    const file = join(folder, key)
    const found = await lstat(file).catch(nullIfAbsent)
    if (!found?.isFile()) return []
    const retainedUntil = latestOf(await marksOf(file))
    const isHeld = (await lastHoldMark(file))?.on ?? false
    return [{ key, versionId: null, sizeBytes: found.size, isMarker: false, retainedUntil, isHeld }]
  }
  const remove = async (key: string): Promise<void> => {
    const file = join(folder, key)
    const [at, name] = [dirname(file), basename(file)]
    const isMark = (entry: string) => parseMark(entry)?.name === name || parseHoldMark(entry)?.name === name
    await unlinkEven(file)
    await syncFolder(at)
    for (const mark of (await readdir(at)).filter(isMark)) await unlinkEven(join(at, mark))
    await syncFolder(at)
    await rmdir(at).catch((error: unknown) => {
      if (!nothingThere.has(systemCode(error) ?? '')) throw error
    })
  }
  return {
    surelyPastMs: async () => clock.now(),
    versions: async function* (prefix) {
      for await (const key of keysInFiles(folder, prefix)) {
        const versions = await look(key)
        if (versions.length > 0) yield versions
      }
    },
    look,
    remove: async ({ key }) => {
      checkKey(key)
      await remove(key).catch((error: unknown) => {
        if (systemCode(error) === 'ENOENT') return // the folder went with its last object
        throw diskError(error, key)
      })
    },
    close: async () => {},
  }
}
