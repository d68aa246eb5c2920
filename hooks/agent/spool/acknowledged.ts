import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileDurably } from '#services/durable-file.ts'
import type { Logger } from '#services/log.ts'

const File = z.object({ position: z.number().int().nonnegative() })
const writeEveryMs = 1000

/**
 * How far the receiver has acknowledged the spool. It may lag behind after a crash: what is sent twice is recognised by
 * the receiver, what were never sent would be lost.
 */
export type Acknowledged = {
  readonly position: number
  advance(position: number): void
  close(): Promise<void>
}

const read = async (file: string, log: Logger): Promise<number> => {
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null) return 0
  try {
    return File.parse(JSON.parse(text)).position
  } catch {
    log.warn({ file }, 'spool: the acknowledged position cannot be read; everything in the spool is sent again')
    return 0
  }
}

export const openAcknowledged = async (folder: string, log: Logger): Promise<Acknowledged> => {
  const file = join(folder, 'acknowledged.json')
  let position = await read(file, log)
  let written = position
  let writing = Promise.resolve()
  let timer: NodeJS.Timeout | null = null

  const write = async (): Promise<void> => {
    if (written === position) return
    const next = position
    try {
      await writeFileDurably(file, JSON.stringify({ position: next }))
      written = next
    } catch (error) {
      log.warn({ err: error }, 'spool: the acknowledged position could not be written; tried again later')
    }
  }
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = null
      writing = writing.then(write)
    }, writeEveryMs)
  }
  return {
    get position() {
      return position
    },
    advance: (to) => {
      if (to <= position) return
      position = to
      schedule()
    },
    close: async () => {
      if (timer) clearTimeout(timer)
      writing = writing.then(write)
      await writing
    },
  }
}
