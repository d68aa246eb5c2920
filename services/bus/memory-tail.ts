import { takeRecords } from './frame-read.ts'
import type { Frame, StoredRecord } from './record-codec.ts'

const tailBytes = 1024 * 1024

export type MemoryTail = {
  add(frames: Frame[], bytes: number): void
  /** Null when `offset` is older than what is held. */
  read(offset: number, maxBytes: number): StoredRecord[] | null
}

/** The newest records of a partition, so that members who keep up do not read the disk. */
export const createMemoryTail = (): MemoryTail => {
  const groups: { endOffset: number; bytes: number; frames: Frame[] }[] = []
  let heldBytes = 0

  return {
    add(frames, bytes) {
      groups.push({ endOffset: frames.at(-1)!.offset + 1, bytes, frames })
      heldBytes += bytes
      while (heldBytes > tailBytes) heldBytes -= groups.shift()!.bytes
    },
    read(offset, maxBytes) {
      const group = groups.find(({ endOffset }) => offset < endOffset)
      if (!group || group.frames[0]!.offset > offset) return null
      return takeRecords(group.frames, offset, maxBytes)
    },
  }
}
