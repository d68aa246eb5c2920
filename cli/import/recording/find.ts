import { lstat, opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BartizanError } from '#services/errors.ts'
import { unreadable } from '../read-bytes.ts'
import { packingTold, type RecordingFormat } from './formats.ts'

const maxDepth = 32

const isFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isFile(),
    () => false,
  )

/** Links are not followed: a folder of recordings may belong to those who were recorded. */
async function* inFolder(folder: string, format: RecordingFormat, depth: number): AsyncGenerator<string> {
  if (depth > maxDepth) throw new BartizanError('BTZ_IMPORT_FAILED', `${folder} lies deeper than ${maxDepth} folders`)
  if (format.suffix === null && (await isFile(join(folder, packingTold)))) return yield folder
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* inFolder(path, format, depth + 1)
    else if (entry.isFile() && format.suffix?.test(entry.name)) yield path
  }
}

/** Files, and those in folders and below; in order to read them one by one. @throws BTZ_IMPORT_FAILED */
export async function* findRecordings(paths: readonly string[], format: RecordingFormat): AsyncGenerator<string> {
  for (const path of paths) {
    try {
      const found = await stat(path)
      if (found.isDirectory()) yield* inFolder(path, format, 0)
      else if (found.isFile() && format.suffix !== null) yield await realpath(path)
      else throw new BartizanError('BTZ_IMPORT_FAILED', `${path} is no ${format.suffix === null ? 'folder' : 'file'}`)
    } catch (cause) {
      throw unreadable(path, cause)
    }
  }
}
