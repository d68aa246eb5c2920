import { hash } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BartizanError } from '../../errors.ts'
import {
  type FrameBatch,
  FrameBatchSchema,
  PayloadEncoding,
  type SessionEnd,
  type SessionStart,
  type SignedHead,
  Stream,
} from '../../schema/generated/frame_batch_pb.ts'
import { BastionName, SessionId } from '../../schema/ids.ts'
import { maxAtMs, maxBatchSeq } from './evidence-keys.ts'
import { withColumns } from './frame-columns.ts'

export { Stream }

/** One recorded frame. `data` of a masked frame is empty: `masked` says how long it was and why it is not there. */
export type Frame = {
  delayNs: bigint // since the frame before
  stream: Stream
  data: Uint8Array
  masked?: { length: number; rule: string }
}

export type BatchHeader = {
  sessionId: string
  bastion: string
  batchSeq: number
  prevHash: Uint8Array // 32 bytes
  startNs: bigint
  closedAtMs: number
  start?: SessionStart
  end?: SessionEnd
  head?: SignedHead
  /** 16 random bytes; none where nothing but a head is recorded. Absent: a batch of format 0, of an older agent. */
  salt?: Uint8Array
}

/** Limits of one batch: what decodes beyond them is refused. */
export const batchLimits = {
  payloadBytes: 256 * 1024,
  frames: 65_536,
  finishedBytes: 1024 * 1024, // header and columns included
} as const
const compressFromBytes = 16 * 1024
export const batchSaltBytes = 16

const noSalt = new Uint8Array(0)
const scratch = Buffer.allocUnsafeSlow(batchLimits.payloadBytes)

/** All data in one; valid until the next call, where it is no more than a batch may hold. */
const joined = (frames: readonly Frame[]): Buffer => {
  const bytes = frames.reduce((sum, { data }) => sum + data.byteLength, 0)
  const buffer = bytes <= scratch.byteLength ? scratch : Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for (const { data } of frames) {
    buffer.set(data, at)
    at += data.byteLength
  }
  return buffer.subarray(0, bytes)
}

// Level 1: a quarter less CPU on a user's host than level 3, for terminal text that is 2 % longer.
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
const compressed = (raw: Uint8Array): Uint8Array =>
  zstdCompressSync(raw, { params, pledgedSrcSize: raw.byteLength, chunkSize: 64 * 1024 })

/** The finished bytes of a batch: what is hashed, spooled, sent and stored, unchanged from here on. */
export const encodeFrameBatch = ({ salt, ...header }: BatchHeader, frames: readonly Frame[]): Uint8Array => {
  const raw = joined(frames)
  const compress = raw.byteLength >= compressFromBytes
  const head = toBinary(
    FrameBatchSchema,
    create(FrameBatchSchema, {
      ...header,
      format: salt === undefined ? 0 : 1,
      batchSeq: BigInt(header.batchSeq),
      closedAtMs: BigInt(header.closedAtMs),
      payloadEncoding: compress ? PayloadEncoding.ZSTD : PayloadEncoding.IDENTITY,
      payloadSize: raw.byteLength,
    }),
  )
  return withColumns(head, frames, compress ? compressed(raw) : raw, salt ?? noSalt)
}

export type DecodedBatch = BatchHeader & {
  message: FrameBatch
  endNs: bigint // startNs + all delays
  frameCount: number
}

const refuse = (what: string, cause?: unknown): never => {
  throw new BartizanError('BTZ_BATCH_INVALID', `frame batch refused: ${what}`, { cause })
}

const parse = (finished: Uint8Array): FrameBatch => {
  if (finished.byteLength > batchLimits.finishedBytes) refuse(`${finished.byteLength} bytes`)
  try {
    return fromBinary(FrameBatchSchema, finished)
  } catch (cause) {
    return refuse('not a FrameBatch', cause)
  }
}

const maxNs = 2n ** 63n - 1n // what footers and catalog rows can hold

/** Where only a head is recorded there is nothing to guess, and no room for what nobody signs. */
const saltBytesOf = ({ format, delayNs, start, end }: FrameBatch): number =>
  format === 1 && (delayNs.length > 0 || start || end) ? batchSaltBytes : 0

// Batches come in runs of one session.
let known = { sessionId: '', bastion: '' }
const checkNames = ({ sessionId, bastion }: FrameBatch): void => {
  if (sessionId === known.sessionId && bastion === known.bastion) return
  if (!SessionId.safeParse(sessionId).success) refuse('session_id is none')
  if (!BastionName.safeParse(bastion).success) refuse('bastion is not a host name')
  known = { sessionId, bastion }
}

const checkHeader = (message: FrameBatch): void => {
  if (message.format > 1) refuse(`format ${message.format}`)
  if (message.salt.byteLength !== saltBytesOf(message)) refuse(`a salt of ${message.salt.byteLength} bytes`)
  checkNames(message)
  if (message.prevHash.byteLength !== 32) refuse('prev_hash is not 32 bytes')
  if (message.batchSeq > BigInt(maxBatchSeq)) refuse(`batch_seq ${message.batchSeq}`)
  if (message.closedAtMs < 0n || message.closedAtMs > BigInt(maxAtMs)) refuse(`closed_at_ms ${message.closedAtMs}`)
}

/** @returns elapsed after the last frame */
const checkColumns = ({ delayNs, length, stream, payloadSize, startNs }: FrameBatch): bigint => {
  if (delayNs.length > batchLimits.frames) refuse(`${delayNs.length} frames`)
  if (length.length !== delayNs.length || stream.length !== delayNs.length) refuse('columns differ in length')
  if (payloadSize > batchLimits.payloadBytes) refuse(`payload of ${payloadSize} bytes`)
  if (length.reduce((sum, bytes) => sum + bytes, 0) !== payloadSize) refuse('lengths and payload differ')
  const endNs = delayNs.reduce((sum, delay) => sum + delay, startNs)
  return endNs > maxNs ? refuse(`a time of ${endNs} ns`) : endNs
}

/** Header and columns, checked against the limits; the payload is not touched. @throws BTZ_BATCH_INVALID */
export const decodeBatchHeader = (finished: Uint8Array): DecodedBatch => {
  const message = parse(finished)
  checkHeader(message)
  return {
    endNs: checkColumns(message),
    message,
    sessionId: message.sessionId,
    bastion: message.bastion,
    batchSeq: Number(message.batchSeq),
    prevHash: message.prevHash,
    startNs: message.startNs,
    closedAtMs: Number(message.closedAtMs),
    ...(message.start && { start: message.start }),
    ...(message.end && { end: message.end }),
    ...(message.head && { head: message.head }),
    ...(message.format === 1 && { salt: message.salt }),
    frameCount: message.delayNs.length,
  }
}

const payloadOf = (message: FrameBatch): Uint8Array => {
  if (message.payloadEncoding === PayloadEncoding.IDENTITY) return message.payload
  if (message.payloadEncoding !== PayloadEncoding.ZSTD) return refuse(`payload encoding ${message.payloadEncoding}`)
  try {
    // maxOutputLength: a few hostile bytes must not unpack to gigabytes. chunkSize: in one piece, which is not copied.
    const maxOutputLength = Math.max(1, message.payloadSize)
    return zstdDecompressSync(message.payload, { maxOutputLength, chunkSize: Math.max(1024, message.payloadSize) })
  } catch (cause) {
    return refuse('payload does not decompress', cause)
  }
}

const wholePayloadOf = (message: FrameBatch): Uint8Array => {
  const payload = payloadOf(message)
  return payload.byteLength === message.payloadSize ? payload : refuse('payload has another size than said')
}

/** Whether the payload is one of the size that the columns add up to. @throws BTZ_BATCH_INVALID */
export const checkPayload = ({ message }: DecodedBatch): void => {
  wholePayloadOf(message)
}

/** All frames of a batch. @throws BTZ_BATCH_INVALID */
export const decodeFrames = ({ message }: DecodedBatch): Frame[] => {
  const payload = wholePayloadOf(message)
  const masked = new Map(message.masked.map(({ frame, length, rule }) => [frame, { length, rule }]))
  let offset = 0
  return message.delayNs.map((delayNs, index) => {
    const data = payload.subarray(offset, offset + message.length[index]!)
    offset += data.byteLength
    const mask = masked.get(index)
    return { delayNs, stream: message.stream[index] as Stream, data, ...(mask && { masked: mask }) }
  })
}

/** SHA-256 of the finished bytes: the next batch's `prevHash`. */
export const batchHash = (finished: Uint8Array): Uint8Array => hash('sha256', finished, 'buffer')
