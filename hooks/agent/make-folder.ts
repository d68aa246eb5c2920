import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { diskError, systemCode } from '#services/disk-error.ts'
import { syncFolder } from '#services/durable-file.ts'

const make = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      await make(dirname(folder))
      return make(folder)
    }
    if (systemCode(error) !== 'EEXIST') throw error
  }
  // Also where it existed: whoever made it may have been killed before this.
  await syncFolder(dirname(folder))
}

/**
 * The folder and those above it, durable. Not mkdir's own `recursive`: that calls a read-only file system ENOENT.
 * @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const makeFolder = async (folder: string): Promise<void> => {
  try {
    await make(folder)
  } catch (error) {
    throw diskError(error, folder)
  }
}
