import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { isLeftOut } from './left-out.ts'
import { createSealedWriter, newHeader } from './sealed-writer.ts'
import type { StateImage } from './state-image.ts'

/** `value`: JSON, as text. */
export const StateLine = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('entry'), key: z.string().min(1).max(512), value: z.string() }),
  z.strictObject({ t: z.literal('end'), entries: z.int(), lastRevision: z.int() }),
])
export type StateLine = z.infer<typeof StateLine>

export type StateBackup = { id: string; createdAt: string; entries: number; leftOut: number; bytes: number }

/** @throws BTZ_FILE_EXISTS BTZ_DISK_FULL, and what the image throws */
export const backupState = async (options: {
  image: StateImage
  file: string
  passphrase: string
  clock: Clock
  progress: (entries: number) => void
}): Promise<StateBackup> => {
  const { image, file, passphrase, clock, progress } = options
  const createdAt = new Date(clock.now()).toISOString()
  const header = newHeader({ kind: 'state', createdAt, after: null })
  const writer = await createSealedWriter(file, header, passphrase)
  let [entries, leftOut] = [0, 0]
  try {
    for await (const { key, value } of image.entries()) {
      if (isLeftOut(key)) leftOut++
      else {
        await writer.add({ t: 'entry', key, value } satisfies StateLine)
        progress(++entries)
      }
    }
    await writer.add({ t: 'end', entries, lastRevision: await image.lastRevision() } satisfies StateLine)
    return { id: header.id, createdAt, entries, leftOut, bytes: await writer.finish() }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}
