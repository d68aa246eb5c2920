import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../disk-error.ts'
import { syncFolder, writeFileDurably } from '../durable-file.ts'
import { corrupt } from './frame-read.ts'
import { readAt, splitFrames } from './frame-scan.ts'
import { decodeRecord, erasedFrame, isErased, type StoredRecord } from './record-codec.ts'

/**
 * Records are erased where they stand, and their offsets stay. A crash in the middle of writing over a record would look
 * like damage, so what is about to be written stands in a file of its own until all of it is on the disk.
 */

const journalName = 'erasing.json'
const chunkBytes = 1024 * 1024
const maxTogether = 1_000 // records in one journal

const Planned = z.strictObject({
  position: z.int().nonnegative(),
  frameBytes: z.int().positive(),
  start: z.base64(), // of the erased frame; all after it is zero
})
type Planned = z.infer<typeof Planned>
const Journal = z.strictObject({ file: z.string().regex(/^\d{20}\.log$/), frames: z.array(Planned).max(maxTogether) })
type Journal = z.infer<typeof Journal>

/** `mentions`: text that every record wanted holds somewhere; the others are not looked at more closely. */
export type Wanted = { mentions: string; matches(record: StoredRecord): boolean }

// JSON may write any character as \u0000 and so on.
const escapes = Buffer.from('\\u00')

/** What of a file, up to `endPosition`, is to be erased. @throws BTZ_BUS_CORRUPT where a record cannot be read */
export async function* findWanted(
  path: string,
  { mark, firstOffset, endPosition }: { mark: Buffer; firstOffset: number; endPosition: number },
  { mentions, matches }: Wanted,
): AsyncGenerator<Planned> {
  const handle = await open(path, 'r')
  try {
    const text = Buffer.from(mentions)
    let [position, offset, wantedBytes] = [0, firstOffset, chunkBytes]
    while (position < endPosition) {
      const chunk = await readAt(handle, position, Math.min(wantedBytes, endPosition - position))
      const { frames, usedBytes, stop } = splitFrames(chunk, mark, offset)
      for (const frame of frames) {
        const bytes = chunk.subarray(frame.at, frame.at + frame.frameBytes)
        if (isErased(frame) || !(bytes.includes(text) || bytes.includes(escapes))) continue
        if (!matches(decodeRecord(frame))) continue
        const { start } = erasedFrame(frame)
        yield { position: position + frame.at, frameBytes: frame.frameBytes, start: start.toString('base64') }
      }
      position += usedBytes
      offset += frames.length
      const neededBytes = stop.kind === 'incomplete' ? stop.frameBytes : 0
      if (stop.kind === 'damaged' || (usedBytes === 0 && neededBytes <= wantedBytes))
        throw corrupt(path, offset, 'damaged record')
      wantedBytes = Math.max(chunkBytes, neededBytes)
    }
  } finally {
    await handle.close()
  }
}

const overwrite = async (handle: FileHandle, { position, frameBytes, start }: Planned): Promise<void> => {
  const bytes = Buffer.alloc(frameBytes)
  bytes.set(Buffer.from(start, 'base64'))
  await handle.write(bytes, 0, frameBytes, position)
}

const carryOut = async (folder: string, { file, frames }: Journal): Promise<void> => {
  const handle = await open(join(folder, file), 'r+')
  try {
    const { atime, mtime } = await handle.stat()
    for (const frame of frames) await overwrite(handle, frame)
    await handle.utimes(atime, mtime) // a file's age is that of its records
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const endJournal = async (folder: string): Promise<void> => {
  await rm(join(folder, journalName), { force: true })
  await syncFolder(folder)
}

/** On the disk when resolved, or, after a crash, when the partition is opened again. */
export const eraseFrames = async (folder: string, file: string, frames: Planned[]): Promise<void> => {
  for (let from = 0; from < frames.length; from += maxTogether) {
    const journal: Journal = { file, frames: frames.slice(from, from + maxTogether) }
    await writeFileDurably(join(folder, journalName), JSON.stringify(journal))
    await carryOut(folder, journal)
    await endJournal(folder)
  }
}

/** What a crash cut short. */
export const resumeErasing = async (folder: string): Promise<void> => {
  const text = await readFile(join(folder, journalName), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  if (text === null) return
  await carryOut(folder, Journal.parse(JSON.parse(text)))
  await endJournal(folder)
}
