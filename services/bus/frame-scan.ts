import type { FileHandle } from 'node:fs/promises'
import { type Frame, parseFrame } from './record-codec.ts'

const scanChunkBytes = 1024 * 1024
const indexEveryBytes = 64 * 1024

/** Sparse: where to start reading for an offset. */
export type IndexEntry = { offset: number; position: number }

export type FrameSplit = {
  frames: Frame[]
  usedBytes: number
  /** Why it stopped: at the end of the buffer, within a frame of `frameBytes`, or at bytes that are no record. */
  stop: { kind: 'end' } | { kind: 'incomplete'; frameBytes: number } | { kind: 'damaged' }
}

/** The complete frames at the start of a buffer, which must go on with `firstOffset`. */
export const splitFrames = (buffer: Buffer, mark: Buffer, firstOffset: number): FrameSplit => {
  const frames: Frame[] = []
  let usedBytes = 0
  while (usedBytes < buffer.length) {
    const result = parseFrame(buffer, usedBytes, mark)
    if (result.kind !== 'frame') return { frames, usedBytes, stop: result }
    if (result.frame.offset !== firstOffset + frames.length) return { frames, usedBytes, stop: { kind: 'damaged' } }
    frames.push(result.frame)
    usedBytes += result.frame.frameBytes
  }
  return { frames, usedBytes, stop: { kind: 'end' } }
}

export const readAt = async (handle: FileHandle, position: number, bytes: number): Promise<Buffer> => {
  const buffer = Buffer.allocUnsafe(bytes)
  let filled = 0
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** Frames that stand one after the other in the file, from `position` on. */
export const extendIndex = (index: IndexEntry[], frames: Frame[], position: number): void => {
  let next = position
  for (const { offset, frameBytes } of frames) {
    const last = index.at(-1)
    if (!last || next - last.position >= indexEveryBytes) index.push({ offset, position: next })
    next += frameBytes
  }
}

export type Scan = {
  endOffset: number
  intactBytes: number // less than the file's size: the rest is not a record
  index: IndexEntry[]
}

/** Reads a segment from its beginning to its first byte that is not an intact record. */
export const scanFrames = async (handle: FileHandle, mark: Buffer, firstOffset: number): Promise<Scan> => {
  const { size } = await handle.stat()
  const scan: Scan = { endOffset: firstOffset, intactBytes: 0, index: [] }
  let chunkBytes = scanChunkBytes
  while (scan.intactBytes < size) {
    const buffer = await readAt(handle, scan.intactBytes, Math.min(chunkBytes, size - scan.intactBytes))
    const split = splitFrames(buffer, mark, scan.endOffset)
    extendIndex(scan.index, split.frames, scan.intactBytes)
    scan.endOffset += split.frames.length
    scan.intactBytes += split.usedBytes
    if (split.stop.kind === 'damaged') break
    const neededBytes = split.stop.kind === 'incomplete' ? split.stop.frameBytes : 0
    if (scan.intactBytes + neededBytes > size) break
    chunkBytes = Math.max(scanChunkBytes, neededBytes)
  }
  return scan
}

/**
 * Whether bytes that are no record, at `position`, were durable once: only then does an intact record follow whose
 * group began after them. Within the last group, which nobody was told of, a power cut may leave holes as well.
 */
export const wasDurable = async (handle: FileHandle, mark: Buffer, position: number): Promise<boolean> => {
  const { size } = await handle.stat()
  const rest = await readAt(handle, position, size - position)
  for (let at = rest.indexOf(mark, 1); at !== -1; at = rest.indexOf(mark, at + 1)) {
    const result = parseFrame(rest, at, mark)
    if (result.kind === 'frame' && result.frame.groupStart > position) return true
  }
  return false
}
