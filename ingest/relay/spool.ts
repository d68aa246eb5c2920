import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bus, NewRecord } from '#services/bus/bus.ts'
import { systemCode } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'

const lookEveryMs = 1_000
const reserveBytes = 64 * 1024 * 1024 // of the disk: to note what was forwarded, which is what makes room again

/** Takes records until its share of the disk is used up; what it took is durable. */
export type RelaySpool = Pick<Bus, 'produce' | 'maxRecordBytes'> & {
  readonly usedBytes: number
  readonly maxBytes: number
  close(): Promise<void>
}

/** Files go while it is looked. */
const sizeOf = async (file: string): Promise<number> => {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw error
  }
}
const sizeOfFolder = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return (await Promise.all(files.map(sizeOf))).reduce((sum, size) => sum + size, 0)
}
const freeOf = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

const sizeOfRecord = ({ key, value, headers = {} }: NewRecord): number => {
  const texts = Object.entries(headers).flat()
  return value.byteLength + key.length + texts.reduce((sum, text) => sum + text.length, 0)
}
const full = (message: string): BartizanError =>
  new BartizanError('BTZ_UNAVAILABLE', message, { hint: 'agents keep what they have, and send it later' })

/** The relay's own log in `folder`, bounded by `maxBytes` and by what the disk has left. */
export const openRelaySpool = async (options: {
  bus: Pick<Bus, 'produce' | 'maxRecordBytes'>
  folder: string
  maxBytes: number
  log: Logger
}): Promise<RelaySpool> => {
  const { bus, folder, maxBytes, log } = options
  let seenBytes = await sizeOfFolder(folder)
  let freeBytes = await freeOf(folder)
  let takenBytes = 0 // since it was looked

  const look = async (): Promise<void> => {
    const before = takenBytes
    const [seen, free] = await Promise.all([sizeOfFolder(folder), freeOf(folder)])
    seenBytes = seen
    freeBytes = free
    takenBytes -= before
  }
  let looking: Promise<void> | null = null
  const timer = setInterval(() => {
    looking ??= look()
      .catch((err: unknown) => log.error({ err }, 'the size of the spool cannot be told'))
      .finally(() => {
        looking = null
      })
  }, lookEveryMs)
  timer.unref()

  return {
    maxRecordBytes: bus.maxRecordBytes,
    maxBytes,
    get usedBytes() {
      return seenBytes + takenBytes
    },
    produce: async (records) => {
      const sizeBytes = records.reduce((sum, record) => sum + sizeOfRecord(record), 0)
      if (seenBytes + takenBytes + sizeBytes > maxBytes) throw full('the spool of this relay is full')
      if (freeBytes - takenBytes - sizeBytes < reserveBytes) throw full('the disk of this relay is almost full')
      takenBytes += sizeBytes
      return bus.produce(records)
    },
    close: async () => {
      clearInterval(timer)
      await looking
    },
  }
}
