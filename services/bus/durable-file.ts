import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BartizanError } from '../errors.ts'

/** A new or renamed file survives a power cut only after its folder is synced too (fsync(2)). */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces a file as a whole: after a crash it has the old or the new content, nothing between. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  const temporary = `${path}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

export const hasErrno = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException | null)?.code ?? '')

/** A full disk (or quota) as BTZ_DISK_FULL, anything else as it is. */
export const asDiskError = (error: unknown, path: string): unknown =>
  hasErrno(error, 'ENOSPC', 'EDQUOT')
    ? new BartizanError('BTZ_DISK_FULL', `no room to write ${path}`, {
        cause: error,
        hint: 'free space on the disk of the data folder; what was acknowledged is safe',
      })
    : error
