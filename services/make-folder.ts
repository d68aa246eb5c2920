import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { diskError, systemCode } from './disk-error.ts'
import { syncFolder } from './durable-file.ts'

const makeOne = async (folder: string): Promise<void> => {
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error
  })
}

const make = async (folder: string): Promise<void> => {
  try {
    await makeOne(folder)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await make(dirname(folder))
    await makeOne(folder)
  }
  // Also where it existed: whoever made it may have been killed before this.
  await syncFolder(dirname(folder))
}

/**
 * The folder and those above it, durable. Not mkdir's own `recursive`: that calls a read-only file system ENOENT,
 * and never ends where the system itself answers ENOENT, as below /proc.
 * @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const makeFolder = async (folder: string): Promise<void> => {
  try {
    await make(folder)
  } catch (error) {
    throw diskError(error, folder)
  }
}
