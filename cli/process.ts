import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '#services/disk-error.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { makeFolder } from '#services/make-folder.ts'

/** The data folder with what is in it, writable. @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL */
export const prepareFolder = async (data: string): Promise<void> => {
  try {
    await makeFolder(join(data, 'agent'))
    await writeFile(join(data, '.writable'), '')
    await rm(join(data, '.writable'))
  } catch (cause) {
    const full = systemCode(cause) === 'ENOSPC' || hasCode(cause, 'BTZ_DISK_FULL')
    throw new BartizanError(
      full ? 'BTZ_DISK_FULL' : 'BTZ_DATA_UNWRITABLE',
      `the data folder ${data} cannot be written: ${(cause as Error).message}`,
      { hint: 'name another one with BARTIZAN_DATA, or mend its owner, mode or free space', cause },
    )
  }
}

export const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve(signal))
  })
