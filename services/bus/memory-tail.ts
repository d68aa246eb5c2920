import { takeRecords } from './frame-read.ts'
import type { FrameHead, StoredRecord } from './record-codec.ts'

const tailBytes = 1024 * 1024

export type MemoryTail = {
  add(bytes: Buffer, heads: FrameHead[]): void
  /** Null when `offset` is older than what is held. */
  read(offset: number, maxBytes: number): StoredRecord[] | null
}

/** The newest records of a partition, so that members who keep up do not read the disk. */
export const createMemoryTail = (): MemoryTail => {
  const groups: { endOffset: number; bytes: Buffer; heads: FrameHead[] }[] = []
  let heldBytes = 0

  return {
    add(bytes, heads) {
      groups.push({ endOffset: heads.at(-1)!.offset + 1, bytes, heads })
      heldBytes += bytes.length
      while (heldBytes > tailBytes) heldBytes -= groups.shift()!.bytes.length
    },
    read(offset, maxBytes) {
      const group = groups.find(({ endOffset }) => offset < endOffset)
      if (!group || group.heads[0]!.offset > offset) return null
      return takeRecords(group.bytes, group.heads, offset, maxBytes)
    },
  }
}
