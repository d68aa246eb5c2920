import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskError, systemCode } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { createDurableFolders, createOnceWriter } from '../write-once.ts'
import { notFound, nullIfAbsent } from './file-recording-reader.ts'
import { checkImmutable, makeImmutable } from './immutable-files.ts'
import { createPutIntents } from './put-intents.ts'
import { checkKey, evidenceFolder, keyRoots } from './recording-key.ts'
import type { RecordingWriter } from './recording-store.ts'
import { addMark, latestOf, markFile, marksOf, untilMsOf } from './retention-marks.ts'

const exists = (key: string) =>
  new BartizanError('BTZ_RECORDING_EXISTS', `${key} was written before; evidence is never overwritten`)

/** An object `a/b` and one `a/b/c` cannot both be files. */
const notAFile = (key: string) =>
  new BartizanError(
    'BTZ_RECORDING_KEY_INVALID',
    `${key} lies above or below another key: a file store cannot hold both`,
  )

const isTaken = async (key: string, file: string): Promise<boolean> => {
  const found = await lstat(file).catch((error: unknown) => {
    if (systemCode(error) === 'ENOTDIR') throw notAFile(key)
    return nullIfAbsent(error)
  })
  if (found?.isDirectory()) throw notAFile(key)
  return found !== null
}

/** Where a put works before its file stands: outside all keys, on the same file system. */
const openWorkFolders = async (folder: string, immutable: boolean) => {
  const folders = await createDurableFolders(folder)
  const partial = join(folder, evidenceFolder, '.partial')
  const intents = join(folder, evidenceFolder, '.intents')
  for (const path of [partial, intents, ...keyRoots.map((root) => join(folder, root))]) await folders.ensure(path)
  // First the leftovers: a file with a second name in `partial` must not be made immutable.
  const once = await createOnceWriter(partial)
  if (immutable) await checkImmutable(partial)
  return { folders, once, intents: createPutIntents(intents) }
}

/** Objects as files below `folder`. @throws BTZ_IMMUTABLE_UNAVAILABLE */
export const createFileRecordingWriter = async (folder: string, immutable: boolean): Promise<RecordingWriter> => {
  const { folders, once, intents } = await openWorkFolders(folder, immutable)

  const seal = async (file: string): Promise<void> => {
    // Two names: its writer is still at work and seals it itself. An immutable file could not lose the second name.
    if (!immutable || (await lstat(file)).nlink > 1) return
    await makeImmutable([file, ...(await marksOf(file)).map((untilMs) => markFile(file, untilMs))])
  }

  await intents.recover(async (key) => {
    checkKey(key)
    const file = join(folder, key)
    if (!(await lstat(file).catch(nullIfAbsent))) return
    await folders.ensure(dirname(file))
    await syncFolder(dirname(file))
    await seal(file)
  })

  const writeOnce = async (key: string, file: string, bytes: Uint8Array, untilMs: number): Promise<void> => {
    let won = false
    if (await isTaken(key, file)) await syncFolder(dirname(file))
    else {
      await addMark(file, untilMs) // first, so that the object never stands without a date
      won = await once.write(file, bytes, 0o444)
    }
    await seal(file)
    if (!won) throw exists(key)
  }

  const reword = (key: string) => (error: unknown) => {
    throw systemCode(error) === 'ENOTDIR' ? notAFile(key) : diskError(error, key)
  }

  return {
    put: async (key, bytes, { retainUntil }) => {
      checkKey(key)
      const file = join(folder, key)
      const untilMs = untilMsOf(retainUntil)
      await folders.ensure(dirname(file)).catch(reword(key))
      await intents.during(key, () => writeOnce(key, file, bytes, untilMs)).catch(reword(key))
      const { size, mtime } = await lstat(file)
      if (size !== bytes.length) {
        throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `${key}: wrote ${bytes.length} bytes, the file has ${size}`)
      }
      return { key, sizeBytes: size, retainUntil: new Date(untilMs), storedAt: mtime }
    },
    extendRetention: async (key, retainUntil) => {
      checkKey(key)
      const file = join(folder, key)
      const untilMs = untilMsOf(retainUntil)
      if (!(await lstat(file).catch(nullIfAbsent))?.isFile()) throw notFound(key)
      const present = latestOf(await marksOf(file))
      if (present && present.getTime() >= untilMs) return
      await addMark(file, untilMs).catch(reword(key))
      await syncFolder(dirname(file))
      if (immutable) await makeImmutable([markFile(file, untilMs)])
    },
  }
}
