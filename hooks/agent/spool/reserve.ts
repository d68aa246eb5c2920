import { randomBytes } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Disk space kept for the day the disk is full: giving it up makes room for the write under way and for the ends of the
 * open sessions. Random bytes, because file systems that compress would make nothing of zeros.
 */
export type Reserve = {
  /** @throws ENOSPC, EDQUOT and whatever else writing a file throws; then nothing of it is left */
  take(): Promise<void>
  giveUp(): Promise<void>
}

export const createReserve = (folder: string, bytes: number): Reserve => {
  const file = join(folder, 'reserve')
  const giveUp = () => rm(file, { force: true })

  const write = async (): Promise<void> => {
    const handle = await open(file, 'w', 0o600)
    try {
      await handle.writeFile(randomBytes(bytes))
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
  return {
    giveUp,
    take: async () => {
      const present = await stat(file).then(
        ({ size }) => size === bytes,
        () => false,
      )
      if (present) return
      try {
        await write()
      } catch (error) {
        await giveUp()
        throw error
      }
    },
  }
}
