import type { FileHandle } from 'node:fs/promises'
import { BartizanError } from '../errors.ts'
import { type IndexEntry, readAt, splitFrames } from './frame-scan.ts'
import { decodeRecord, type Frame, type ReadRecord } from './record-codec.ts'

export const corrupt = (path: string, offset: number, what: string): BartizanError =>
  new BartizanError('BTZ_BUS_CORRUPT', `${path}: ${what} at offset ${offset}`, {
    hint: 'acknowledged records are damaged or gone: restore the bus from a copy',
  })

/** Records from `offset` on: the first whatever its size, then as many as stay within `maxBytes`. */
export const takeRecords = (frames: Frame[], offset: number, maxBytes: number): ReadRecord[] => {
  const taken: ReadRecord[] = []
  let takenBytes = 0
  for (const frame of frames) {
    if (frame.offset < offset) continue
    takenBytes += frame.frameBytes
    if (taken.length > 0 && takenBytes > maxBytes) break
    taken.push(decodeRecord(frame))
  }
  return taken
}

export type ReadRange = {
  path: string
  mark: Buffer
  from: IndexEntry // a place at or before `offset`
  endPosition: number
  offset: number
  maxBytes: number
}

/** @throws BTZ_BUS_CORRUPT when the record wanted is damaged */
export const readRecords = async (reader: FileHandle, range: ReadRange): Promise<ReadRecord[]> => {
  let { position, offset } = range.from
  let chunkBytes = range.maxBytes
  while (position < range.endPosition) {
    const wantedBytes = Math.min(chunkBytes, range.endPosition - position)
    const chunk = await readAt(reader, position, wantedBytes)
    const split = splitFrames(chunk, range.mark, offset)
    const records = takeRecords(split.frames, range.offset, range.maxBytes)
    if (records.length > 0) return records
    position += split.usedBytes
    offset += split.frames.length
    const neededBytes = split.stop.kind === 'incomplete' ? split.stop.frameBytes : 0
    if (split.stop.kind === 'damaged' || chunk.length < wantedBytes || position + neededBytes > range.endPosition) {
      throw corrupt(range.path, offset, 'damaged record')
    }
    chunkBytes = Math.max(range.maxBytes, neededBytes)
  }
  return []
}
