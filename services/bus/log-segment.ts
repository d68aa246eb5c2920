import { type FileHandle, open, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { diskError } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { eraseFrames, findWanted, type Wanted } from './erase-frames.ts'
import { readRecords } from './frame-read.ts'
import { extendIndex, type IndexEntry, type Scan, scanFrames } from './frame-scan.ts'
import type { Frame, ReadRecord } from './record-codec.ts'

/** One file of a partition: records from `firstOffset` on. Only the last one of a partition is appended to. */
export type LogSegment = {
  readonly path: string
  readonly firstOffset: number
  readonly sizeBytes: number // durable bytes; of one that is not appended to, known after its first read
  /**
   * Resolves after the bytes are durable. On a rejection nothing of them counts, and the file is cut back to before.
   * @throws BTZ_DISK_FULL: can be tried again. After any other error the segment must not be appended to.
   */
  append(frames: Frame[], bytes: number): Promise<void>
  /** From `offset` on, at least one record, then up to `maxBytes`. @throws BTZ_BUS_CORRUPT */
  read(offset: number, maxBytes: number): Promise<ReadRecord[]>
  changedAtMs(): Promise<number>
  /** What of the durable records is wanted; `erase` writes over it, and nobody may read meanwhile. */
  find(wanted: Wanted): Promise<{ count: number; erase(): Promise<void> }>
  /** No more appends; the file can still be read. */
  seal(): Promise<void>
  remove(): Promise<void>
}

export const segmentPath = (folder: string, firstOffset: number): string =>
  join(folder, `${String(firstOffset).padStart(20, '0')}.log`)

const writeAll = async (handle: FileHandle, buffers: Buffer[], position: number): Promise<void> => {
  const { bytesWritten } = await handle.writev(buffers, position)
  const total = buffers.reduce((sum, { length }) => sum + length, 0)
  // Short: the file system stopped in between; going on either completes it or says why it stopped.
  if (bytesWritten < total)
    await writeAll(handle, [Buffer.concat(buffers).subarray(bytesWritten)], position + bytesWritten)
}

const writeOrCutBack = async (handle: FileHandle, frames: Frame[], position: number, path: string): Promise<void> => {
  try {
    await writeAll(
      handle,
      frames.map(({ buffer }) => buffer),
      position,
    )
  } catch (error) {
    await handle.truncate(position)
    throw diskError(error, path)
  }
}

const syncOrCutBack = async (handle: FileHandle, position: number): Promise<void> => {
  try {
    await handle.datasync()
  } catch (error) {
    // What the page cache still shows may not be on the disk: no later reader may take it for durable.
    await handle.truncate(position).catch(() => {})
    throw error
  }
}

export type SegmentOptions = { folder: string; firstOffset: number; mark: Buffer; scan?: Scan; handle?: FileHandle }

/** `scan` when it was read already; `handle` (read-write) when it is to be appended to. */
export const createLogSegment = ({ folder, firstOffset, mark, scan, handle }: SegmentOptions): LogSegment => {
  const path = segmentPath(folder, firstOffset)
  let index: IndexEntry[] | undefined = scan?.index
  let sizeBytes = scan?.intactBytes ?? 0

  /** Damage is met by whoever reads that record; those before it can be read. */
  const indexOf = async (reader: FileHandle): Promise<IndexEntry[]> => {
    if (index) return index
    const found = await scanFrames(reader, mark, firstOffset)
    sizeBytes = (await reader.stat()).size
    index = found.index
    return index
  }

  return {
    path,
    firstOffset,
    get sizeBytes() {
      return sizeBytes
    },
    async append(frames, bytes) {
      if (!handle || !index) throw new BartizanError('BTZ_INTERNAL', `${path} is sealed`)
      await writeOrCutBack(handle, frames, sizeBytes, path)
      await syncOrCutBack(handle, sizeBytes)
      extendIndex(index, frames, sizeBytes)
      sizeBytes += bytes
    },
    async read(offset, maxBytes) {
      const reader = await open(path, 'r')
      try {
        const entries = await indexOf(reader)
        const from = entries.findLast((entry) => entry.offset <= offset) ?? { offset: firstOffset, position: 0 }
        return await readRecords(reader, { path, mark, from, endPosition: sizeBytes, offset, maxBytes })
      } finally {
        await reader.close()
      }
    },
    changedAtMs: async () => (await stat(path)).mtimeMs,
    async find(wanted) {
      const endPosition = handle ? sizeBytes : (await stat(path)).size
      const found = await Array.fromAsync(findWanted(path, { mark, firstOffset, endPosition }, wanted))
      return { count: found.length, erase: () => eraseFrames(dirname(path), basename(path), found) }
    },
    async seal() {
      await handle?.close()
      handle = undefined
    },
    remove: () => unlink(path),
  }
}
