import { type FileHandle, open } from 'node:fs/promises'
import { syncFolder } from '#services/durable-file.ts'
import type { Segment } from './segment.ts'
import { segmentFile } from './segment.ts'

/** What one write and one sync make durable. `opens`: it is the first of a new segment. */
export type Group = { position: number; opens: boolean; buffers: Uint8Array[]; bytes: number }

export type GroupWriter = {
  /**
   * Durable when resolved; answers with the segment it went to. A failed call may be repeated with the same group:
   * it writes all of it again, at the same place.
   */
  write(group: Group): Promise<Segment>
  close(): Promise<void>
}

const writeAll = async (handle: FileHandle, buffers: readonly Uint8Array[], at: number): Promise<void> => {
  let left = buffers
  let offset = at
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left, offset)
    offset += bytesWritten
    // A short write is how a disk says that it is almost full: the next call says it in clear.
    let written = bytesWritten
    let done = 0
    while (done < left.length && written >= left[done]!.byteLength) written -= left[done++]!.byteLength
    left = left.slice(done)
    if (written > 0) left = [left[0]!.subarray(written), ...left.slice(1)]
  }
}

export const createGroupWriter = (folder: string): GroupWriter => {
  let active: { handle: FileHandle; segment: Segment } | null = null

  const openSegment = async (base: number): Promise<{ handle: FileHandle; segment: Segment }> => {
    if (active?.segment.base === base) return active
    await active?.handle.close()
    active = null
    const file = segmentFile(folder, base)
    active = { handle: await open(file, 'w', 0o600), segment: { file, base, bytes: 0 } }
    return active
  }
  return {
    write: async ({ position, opens, buffers, bytes }) => {
      const { handle, segment } = opens ? await openSegment(position) : active!
      await writeAll(handle, buffers, position - segment.base)
      await handle.datasync()
      if (opens) await syncFolder(folder)
      segment.bytes = position - segment.base + bytes
      return segment
    },
    close: async () => {
      await active?.handle.close()
      active = null
    },
  }
}
