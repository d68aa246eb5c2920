import { create, toBinary } from '@bufbuild/protobuf'
import { FrameBatchSchema } from '../../schema/generated/frame_batch_pb.ts'
import type { Frame } from './frame-batch.ts'

const lengthDelimited = 2
const longestVarint = 10
const { delayNs, length, stream, payload, salt } = FrameBatchSchema.field

const writeVarint = (buffer: Buffer, from: number, value: number): number => {
  let [at, rest] = [from, value]
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) buffer[at++] = (rest % 0x80) | 0x80
  buffer[at++] = rest
  return at
}

const writeBigVarint = (buffer: Buffer, from: number, value: bigint): number => {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return writeVarint(buffer, from, Number(value))
  let [at, rest] = [from, value]
  for (; rest >= 0x80n; rest >>= 7n) buffer[at++] = Number(rest & 0x7fn) | 0x80
  buffer[at++] = Number(rest)
  return at
}

/** A length-delimited field, in pieces; nothing where it is empty, as proto3 has it. */
const field = (number: number, bytes: Uint8Array): Uint8Array[] => {
  if (bytes.byteLength === 0) return []
  const before = Buffer.alloc(2 * longestVarint)
  const tagEnd = writeVarint(before, 0, (number << 3) | lengthDelimited)
  return [before.subarray(0, writeVarint(before, tagEnd, bytes.byteLength)), bytes]
}

const packed = (
  number: number,
  frames: readonly Frame[],
  write: (buffer: Buffer, at: number, frame: Frame) => number,
): Uint8Array[] => {
  const buffer = Buffer.allocUnsafe(frames.length * longestVarint)
  let end = 0
  for (const frame of frames) end = write(buffer, end, frame)
  return field(number, buffer.subarray(0, end))
}

const maskedFields = (frames: readonly Frame[]): Uint8Array => {
  const masked = frames.flatMap((frame, index) => (frame.masked ? [{ frame: index, ...frame.masked }] : []))
  return masked.length === 0 ? new Uint8Array(0) : toBinary(FrameBatchSchema, create(FrameBatchSchema, { masked }))
}

/**
 * A FrameBatch, encoded without its last fields, with its columns, its payload and its salt behind. By hand, since the columns
 * are numbers by the hundred; in the order of the fields' numbers, so the bytes are those of the library.
 */
export const withColumns = (
  head: Uint8Array,
  frames: readonly Frame[],
  bytes: Uint8Array,
  random: Uint8Array,
): Uint8Array =>
  Buffer.concat([
    head,
    ...packed(delayNs.number, frames, (buffer, at, frame) => writeBigVarint(buffer, at, frame.delayNs)),
    ...packed(length.number, frames, (buffer, at, frame) => writeVarint(buffer, at, frame.data.byteLength)),
    ...packed(stream.number, frames, (buffer, at, frame) => writeVarint(buffer, at, frame.stream)),
    maskedFields(frames),
    ...field(payload.number, bytes),
    ...field(salt.number, random),
  ])
