import { takeRecords } from './frame-read.ts'
import type { Frame, ReadRecord } from './record-codec.ts'

const tailBytes = 1024 * 1024

export type MemoryTail = {
  add(frames: Frame[], bytes: number): void
  /** As `LogPartition.read`: over as many groups as there are. Null when `offset` is older than what is held. */
  read(offset: number, maxBytes: number): ReadRecord[] | null
  clear(): void
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
      const first = groups.findIndex(({ endOffset }) => offset < endOffset)
      if (first === -1 || groups[first]!.frames[0]!.offset > offset) return null
      const frames: Frame[] = []
      for (let at = first, bytes = 0; at < groups.length && bytes <= maxBytes; at++) {
        for (const frame of groups[at]!.frames) frames.push(frame)
        if (at > first) bytes += groups[at]!.bytes // of the first, all may be older than `offset`
      }
      return takeRecords(frames, offset, maxBytes)
    },
    clear() {
      groups.length = 0
      heldBytes = 0
    },
  }
}
