import { crc32 } from 'node:zlib'
import type { BusRecord, NewRecord, TopicPartition } from './bus.ts'

/**
 * A record on disk, big-endian:
 *
 *     mark 8 | crc32 4 | frameBytes 4 | groupStart 6 | offset 6 | timestampMs 6 | keyBytes 4 | headersBytes 4 | key | headers (JSON) | value
 *
 * `mark` is random per bus, so that no content can imitate a record. The CRC covers everything after itself.
 * `groupStart` is the file position at which the group written by one call begins: all before it was durable when
 * this record was written, which tells a torn tail from damage.
 *
 * Of an erased record mark, place, time and key stay; its headers reach to the end and are zeros, which no JSON is.
 */
const at = { crc: 8, frameBytes: 12, groupStart: 16, offset: 22, timestampMs: 28, keyBytes: 34, headersBytes: 38 }
export const headBytes = 42
export const markBytes = 8

export type Frame = {
  buffer: Buffer
  at: number // where in the buffer
  frameBytes: number
  groupStart: number
  offset: number
  timestampMs: number
  keyBytes: number
  headersBytes: number
}
export type StoredRecord = Omit<BusRecord, 'topic' | 'partition'>
/** `isErased`: of its content nothing is left. */
export type ReadRecord = StoredRecord & { isErased: boolean }
export type GroupPlace = { mark: Buffer; groupStart: number; firstOffset: number; timestampMs: number }

const headersJson = ({ headers }: NewRecord): string =>
  headers && Object.keys(headers).length > 0 ? JSON.stringify(headers) : ''

/** What counts against maxRecordBytes. */
export const recordBytes = (record: NewRecord): number =>
  Buffer.byteLength(record.key) + Buffer.byteLength(headersJson(record)) + record.value.byteLength

/** A copy of the record, complete but for what `stampGroup` sets once its place is known. */
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

const frameAt = (buffer: Buffer, position: number): Frame => ({
  buffer,
  at: position,
  frameBytes: buffer.readUInt32BE(position + at.frameBytes),
  groupStart: buffer.readUIntBE(position + at.groupStart, 6),
  offset: buffer.readUIntBE(position + at.offset, 6),
  timestampMs: buffer.readUIntBE(position + at.timestampMs, 6),
  keyBytes: buffer.readUInt32BE(position + at.keyBytes),
  headersBytes: buffer.readUInt32BE(position + at.headersBytes),
})

/** Gives each frame of one write its place. */
export const stampGroup = (frames: Buffer[], place: GroupPlace): Frame[] =>
  frames.map((frame, count) => {
    frame.set(place.mark, 0)
    frame.writeUIntBE(place.groupStart, at.groupStart, 6)
    frame.writeUIntBE(place.firstOffset + count, at.offset, 6)
    frame.writeUIntBE(place.timestampMs, at.timestampMs, 6)
    frame.writeUInt32BE(crc32(frame.subarray(at.frameBytes)), at.crc)
    return frameAt(frame, 0)
  })

/** `incomplete`: the buffer ends within the frame, which says it has `frameBytes`. */
export type FrameResult =
  | { kind: 'frame'; frame: Frame }
  | { kind: 'incomplete'; frameBytes: number }
  | { kind: 'damaged' }

export const parseFrame = (buffer: Buffer, position: number, mark: Buffer): FrameResult => {
  const left = buffer.length - position
  if (left < headBytes) return { kind: 'incomplete', frameBytes: headBytes }
  if (mark.compare(buffer, position, position + markBytes) !== 0) return { kind: 'damaged' }
  const frame = frameAt(buffer, position)
  if (frame.frameBytes < headBytes + frame.keyBytes + frame.headersBytes) return { kind: 'damaged' }
  if (left < frame.frameBytes) return { kind: 'incomplete', frameBytes: frame.frameBytes }
  const covered = buffer.subarray(position + at.frameBytes, position + frame.frameBytes)
  return crc32(covered) === buffer.readUInt32BE(position + at.crc) ? { kind: 'frame', frame } : { kind: 'damaged' }
}

export const isErased = ({ buffer, at: position, keyBytes, headersBytes }: Frame): boolean =>
  headersBytes > 0 && buffer[position + headBytes + keyBytes] === 0

/** The same frame without content: `start`, and zeros up to `frameBytes`. */
export const erasedFrame = (frame: Frame): { start: Buffer; frameBytes: number } => {
  const { keyBytes, frameBytes } = frame
  const startBytes = headBytes + keyBytes
  const erased = Buffer.alloc(frameBytes)
  frame.buffer.copy(erased, 0, frame.at, frame.at + startBytes)
  erased.writeUInt32BE(frameBytes - startBytes, at.headersBytes)
  erased.writeUInt32BE(crc32(erased.subarray(at.frameBytes)), at.crc)
  return { start: erased.subarray(0, startBytes), frameBytes }
}

/** Own memory for the value: holding one record does not hold its whole run, changing it harms no other group. */
export const decodeRecord = (frame: Frame): ReadRecord => {
  const { buffer } = frame
  const erased = isErased(frame)
  const keyAt = frame.at + headBytes
  const headersAt = keyAt + frame.keyBytes
  const valueAt = headersAt + frame.headersBytes
  return {
    offset: frame.offset,
    timestampMs: frame.timestampMs,
    key: buffer.toString('utf8', keyAt, headersAt),
    headers: frame.headersBytes > 0 && !erased ? JSON.parse(buffer.toString('utf8', headersAt, valueAt)) : {},
    value: Buffer.from(buffer.subarray(valueAt, frame.at + frame.frameBytes)),
    isErased: erased,
  }
}

/** As members get it: one that is erased they do not. */
export const whole = (place: TopicPartition, { isErased: erased, ...record }: ReadRecord): BusRecord[] =>
  erased ? [] : [{ ...place, ...record }]
