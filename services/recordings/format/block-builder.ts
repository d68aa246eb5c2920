import { Buffer } from 'node:buffer'
import { createHash, type KeyObject, randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { create } from '@bufbuild/protobuf'
import {
  type BlockFooter,
  BlockFooterSchema,
  type BlockFrame,
  BlockFrameSchema,
} from '../../schema/generated/block_footer_pb.ts'
import { PayloadEncoding } from '../../schema/generated/frame_batch_pb.ts'
import { deriveKey, encrypt, saltBytes } from './block-cipher.ts'
import { blockPurpose, frameContext } from './block-context.ts'
import { type BlockInfo, encodeFooter, parseFooter } from './block-footer.ts'
import type { ChainPoint } from './chain.ts'
import { type EvidenceFormat, newestFormat } from './evidence-keys.ts'
import type { DecodedBatch } from './frame-batch.ts'

const ownFrameBytes = 16 * 1024 // a batch of this size gets a frame of its own
const groupMaxBytes = 256 * 1024 // small batches together, before compression

export type BlockOpening = {
  sessionId: string
  bastion: string
  sessionKey: Uint8Array
  gap: string | null
  format?: EvidenceFormat // absent: the newest; else that of the session's other blocks
  salt?: Uint8Array // 32 random bytes, never used before; absent: drawn here
}
export type NewBatch = { finished: Uint8Array; decoded: DecodedBatch; hash: Uint8Array }
export type FinishedBlock = { bytes: Uint8Array; info: BlockInfo; sha256: Uint8Array }

/** A block in the making: large batches are encrypted as they come, small ones wait for company. */
export type BlockBuilder = {
  append(batch: NewBatch): void
  readonly sizeBytes: number // held in memory
  readonly last: ChainPoint | null
  /** Once, after at least one batch. `seals`: the block holds the session's end. */
  finish(seals: boolean): FinishedBlock
}

/** A run of batches that becomes one frame. */
type Run = { firstSeq: number; batchCount: number; startNs: bigint }
/** What the footer says of the first and the last batch. */
type Edge = { seq: number; atMs: number; startNs: bigint; endNs: bigint; prevHash: Uint8Array; hash: Uint8Array }

// Copies: a few bytes must not keep a whole read buffer of the bus alive until the block closes.
const edgeOf = ({ decoded, hash }: NewBatch): Edge => ({
  seq: decoded.batchSeq,
  atMs: decoded.closedAtMs,
  startNs: decoded.startNs,
  endNs: decoded.endNs,
  prevHash: Uint8Array.from(decoded.prevHash),
  hash,
})

const lengthPrefix = (finished: Uint8Array): Buffer => {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(finished.byteLength)
  return prefix
}

const pack = (parts: Uint8Array[]): { parts: Uint8Array[]; compressed: boolean } => {
  const plain = Buffer.concat(parts)
  const packed = zstdCompressSync(plain)
  const compressed = packed.byteLength < plain.byteLength
  return { parts: [compressed ? packed : plain], compressed }
}

const createFrameWriter = (format: EvidenceFormat, sessionId: string, key: KeyObject) => {
  const frames: BlockFrame[] = []
  const chunks: Uint8Array[] = []
  const sha256 = createHash('sha256')
  let offset = 0
  return {
    frames,
    chunks,
    sha256,
    sizeBytes: () => offset,
    write: (plain: Uint8Array[], compress: boolean, { firstSeq, batchCount, startNs }: Run): void => {
      const { parts, compressed } = compress ? pack(plain) : { parts: plain, compressed: false }
      const context = frameContext(format, sessionId, frames.length, { firstSeq, batchCount, compressed })
      const sealed = encrypt(key, frames.length, context, parts)
      for (const chunk of sealed.chunks) {
        sha256.update(chunk)
        chunks.push(chunk)
      }
      const place = { firstSeq: BigInt(firstSeq), batchCount, startNs, offset: BigInt(offset), size: sealed.sizeBytes }
      frames.push(create(BlockFrameSchema, { ...place, compressed }))
      offset += sealed.sizeBytes
    },
  }
}

/** Small batches on their way into one frame. */
const createGroup = () => {
  let parts: Uint8Array[] = []
  let run: Run | null = null
  let sizeBytes = 0
  return {
    sizeBytes: () => sizeBytes,
    fits: (finished: Uint8Array): boolean => sizeBytes + finished.byteLength + 4 <= groupMaxBytes,
    add: ({ finished, decoded }: NewBatch): void => {
      run ??= { firstSeq: decoded.batchSeq, batchCount: 0, startNs: decoded.startNs }
      run.batchCount++
      parts.push(lengthPrefix(finished), Uint8Array.from(finished))
      sizeBytes += finished.byteLength + 4
    },
    take: (): { run: Run; parts: Uint8Array[] } | null => {
      const taken = run && { run, parts }
      run = null
      parts = []
      sizeBytes = 0
      return taken
    },
  }
}

const footerOf = (
  opening: BlockOpening,
  format: EvidenceFormat,
  first: Edge,
  last: Edge,
  frames: BlockFrame[],
): BlockFooter =>
  create(BlockFooterSchema, {
    format,
    sessionId: opening.sessionId,
    bastion: opening.bastion,
    firstSeq: BigInt(first.seq),
    lastSeq: BigInt(last.seq),
    firstAtMs: BigInt(first.atMs),
    lastAtMs: BigInt(last.atMs),
    startNs: first.startNs,
    endNs: last.endNs,
    prevHash: first.prevHash,
    chainHash: last.hash,
    gap: opening.gap ?? '',
    frames,
  })

export const createBlockBuilder = (opening: BlockOpening): BlockBuilder => {
  const { sessionId, sessionKey, format = newestFormat, salt = randomBytes(saltBytes) } = opening
  const writer = createFrameWriter(format, sessionId, deriveKey(sessionKey, salt, blockPurpose(format, sessionId)))
  const group = createGroup()
  let first: Edge | null = null
  let last: Edge | null = null

  const flushGroup = (): void => {
    const taken = group.take()
    if (taken) writer.write(taken.parts, true, taken.run)
  }
  const writeAlone = ({ finished, decoded }: NewBatch): void => {
    flushGroup()
    const compress = decoded.message.payloadEncoding === PayloadEncoding.IDENTITY // else the agent did it
    const run = { firstSeq: decoded.batchSeq, batchCount: 1, startNs: decoded.startNs }
    writer.write([lengthPrefix(finished), finished], compress, run)
  }
  const join = (batch: NewBatch): void => {
    if (!group.fits(batch.finished)) flushGroup()
    group.add(batch)
  }
  return {
    append: (batch) => {
      if (batch.finished.byteLength >= ownFrameBytes) writeAlone(batch)
      else join(batch)
      last = edgeOf(batch)
      first ??= last
    },
    get sizeBytes() {
      return writer.sizeBytes() + group.sizeBytes()
    },
    get last() {
      return last && { seq: last.seq, hash: last.hash }
    },
    finish: (seals) => {
      if (first === null || last === null) throw new RangeError('a block without a batch')
      flushGroup()
      const footer = footerOf(opening, format, first, last, writer.frames)
      const ciphertextSha256 = writer.sha256.copy().digest()
      const tail = encodeFooter({ ...footer, salt, ciphertextSha256, seals }, format, sessionKey)
      const bytes = Buffer.concat([...writer.chunks, tail])
      return { bytes, sha256: writer.sha256.update(tail).digest(), info: parseFooter(tail, bytes.byteLength) }
    },
  }
}
