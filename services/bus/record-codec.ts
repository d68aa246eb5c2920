import { crc32 } from 'node:zlib'
import type { BusRecord, NewRecord } from './bus.ts'

/**
 * A record on disk, big-endian:
 *
 *     mark 8 | crc32 4 | frameBytes 4 | groupStart 6 | offset 6 | timestampMs 6 | keyBytes 4 | headersBytes 4 | key | headers (JSON) | value
 *
 * `mark` is random per bus, so that no content can imitate a record. The CRC covers everything after itself.
 * `groupStart` is the file position at which the group written by one call begins: all before it was durable when
 * this record was written, which tells a torn tail from damage.
 */
const at = { crc: 8, frameBytes: 12, groupStart: 16, offset: 22, timestampMs: 28, keyBytes: 34, headersBytes: 38 }
export const headBytes = 42
export const markBytes = 8

export type FrameHead = {
  at: number // position of the frame in its buffer
  frameBytes: number
  groupStart: number
  offset: number
  timestampMs: number
  keyBytes: number
  headersBytes: number
}
export type StoredRecord = Omit<BusRecord, 'topic' | 'partition'>
export type GroupPlace = { mark: Buffer; groupStart: number; firstOffset: number; timestampMs: number }

const headersJson = ({ headers }: NewRecord): string =>
  headers && Object.keys(headers).length > 0 ? JSON.stringify(headers) : ''

/** What counts against maxRecordBytes. */
export const recordBytes = (record: NewRecord): number =>
  Buffer.byteLength(record.key) + Buffer.byteLength(headersJson(record)) + record.value.byteLength

/** A copy of the record, complete but for what `assembleGroup` sets once its place is known. */
export const encodeFrame = (record: NewRecord): Buffer => {
  const headers = headersJson(record)
  const keyBytes = Buffer.byteLength(record.key)
  const headersBytes = Buffer.byteLength(headers)
  const frame = Buffer.allocUnsafe(headBytes + keyBytes + headersBytes + record.value.byteLength)
  frame.writeUInt32BE(frame.length, at.frameBytes)
  frame.writeUInt32BE(keyBytes, at.keyBytes)
  frame.writeUInt32BE(headersBytes, at.headersBytes)
  frame.write(record.key, headBytes)
  frame.write(headers, headBytes + keyBytes)
  frame.set(record.value, headBytes + keyBytes + headersBytes)
  return frame
}

const readHead = (buffer: Buffer, position: number): FrameHead => ({
  at: position,
  frameBytes: buffer.readUInt32BE(position + at.frameBytes),
  groupStart: buffer.readUIntBE(position + at.groupStart, 6),
  offset: buffer.readUIntBE(position + at.offset, 6),
  timestampMs: buffer.readUIntBE(position + at.timestampMs, 6),
  keyBytes: buffer.readUInt32BE(position + at.keyBytes),
  headersBytes: buffer.readUInt32BE(position + at.headersBytes),
})

/** One write of many frames, each with its place. */
export const assembleGroup = (frames: Buffer[], place: GroupPlace): { bytes: Buffer; heads: FrameHead[] } => {
  const bytes = Buffer.concat(frames)
  const heads: FrameHead[] = []
  let position = 0
  for (const [count, { length }] of frames.entries()) {
    const frame = bytes.subarray(position, position + length)
    frame.set(place.mark, 0)
    frame.writeUIntBE(place.groupStart, at.groupStart, 6)
    frame.writeUIntBE(place.firstOffset + count, at.offset, 6)
    frame.writeUIntBE(place.timestampMs, at.timestampMs, 6)
    frame.writeUInt32BE(crc32(frame.subarray(at.frameBytes)), at.crc)
    heads.push(readHead(bytes, position))
    position += length
  }
  return { bytes, heads }
}

/** `incomplete`: the buffer ends within the frame, which says it has `frameBytes`. */
export type FrameResult =
  | { kind: 'frame'; head: FrameHead }
  | { kind: 'incomplete'; frameBytes: number }
  | { kind: 'damaged' }

export const parseFrame = (buffer: Buffer, position: number, mark: Buffer): FrameResult => {
  const left = buffer.length - position
  if (left < headBytes) return { kind: 'incomplete', frameBytes: headBytes }
  if (mark.compare(buffer, position, position + markBytes) !== 0) return { kind: 'damaged' }
  const head = readHead(buffer, position)
  if (head.frameBytes < headBytes + head.keyBytes + head.headersBytes) return { kind: 'damaged' }
  if (left < head.frameBytes) return { kind: 'incomplete', frameBytes: head.frameBytes }
  const covered = buffer.subarray(position + at.frameBytes, position + head.frameBytes)
  return crc32(covered) === buffer.readUInt32BE(position + at.crc) ? { kind: 'frame', head } : { kind: 'damaged' }
}

/** Own memory for the value: holding one record does not hold its whole run, changing it harms no other group. */
export const decodeRecord = (buffer: Buffer, head: FrameHead): StoredRecord => {
  const keyAt = head.at + headBytes
  const headersAt = keyAt + head.keyBytes
  const valueAt = headersAt + head.headersBytes
  return {
    offset: head.offset,
    timestampMs: head.timestampMs,
    key: buffer.toString('utf8', keyAt, headersAt),
    headers: head.headersBytes > 0 ? JSON.parse(buffer.toString('utf8', headersAt, valueAt)) : {},
    value: Buffer.from(buffer.subarray(valueAt, head.at + head.frameBytes)),
  }
}
