import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { BartizanError } from '../../errors.ts'
import { type BlockFooter, BlockFooterSchema } from '../../schema/generated/block_footer_pb.ts'
import { deriveKey, tagBytes } from './block-cipher.ts'
import { footerPurpose } from './block-context.ts'
import type { EvidenceFormat } from './evidence-keys.ts'
import { batchLimits } from './frame-batch.ts'

/**
 * An evidence block: a run of batches of one session without a gap in batchSeq.
 *
 *   encrypted frames, one after another        AES-256-GCM, tag at the end of each
 *   footer                                     protobuf BlockFooter, in clear
 *   MAC of the footer, 32 bytes                HMAC-SHA-256; from format 1 on
 *   trailer, 12 bytes                          length of the footer (u32, big-endian), magic "BTZBLK01" or "BTZBLK00"
 *
 * A frame in clear is, per batch, its length (u32, big-endian) and its finished bytes, unchanged; all of it compressed
 * with zstd where the footer says so.
 */
export type BlockFrameInfo = {
  firstSeq: number
  batchCount: number
  offset: number // in the block
  sizeBytes: number // ciphertext and tag
  compressed: boolean
  startNs: bigint
}
export type BlockInfo = {
  format: EvidenceFormat
  sessionId: string
  bastion: string
  firstSeq: number
  lastSeq: number
  firstAtMs: number
  lastAtMs: number
  startNs: bigint
  endNs: bigint
  prevHash: Uint8Array
  chainHash: Uint8Array
  salt: Uint8Array
  ciphertextSha256: Uint8Array
  ciphertextBytes: number
  gap: string | null
  seals: boolean
  frames: BlockFrameInfo[]
  sizeBytes: number // of the whole block
}

export const blockLimits = {
  footerBytes: 4 * 1024 * 1024,
  framePlainBytes: batchLimits.finishedBytes + 64 * 1024,
} as const
export const trailerBytes = 12
const macBytes = 32

/** What an object is, by its last 8 bytes; in the order of the formats. */
export type BlockKind = 'frames' | 'events'
const magics: Record<BlockKind, readonly [string, string]> = {
  frames: ['BTZBLK00', 'BTZBLK01'],
  events: ['BTZEVT00', 'BTZEVT01'],
}
const macBytesOf = (kind: BlockKind, format: EvidenceFormat): number =>
  kind === 'frames' && format === 1 ? macBytes : 0

export const corrupt = (what: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_EVIDENCE_CORRUPT', what, { cause })

/** A footer's bytes with what comes after them. */
export const withTrailer = (
  footer: Uint8Array,
  kind: BlockKind,
  format: EvidenceFormat,
  mac: Uint8Array = new Uint8Array(0),
): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(footer.byteLength)
  return Buffer.concat([footer, mac, length, Buffer.from(magics[kind][format])])
}

const macOf = (footer: Uint8Array, sessionKey: Uint8Array, salt: Uint8Array, sessionId: string): Buffer =>
  createHmac('sha256', deriveKey(sessionKey, salt, footerPurpose(sessionId)))
    .update(footer)
    .digest()

export const encodeFooter = (footer: BlockFooter, format: EvidenceFormat, sessionKey: Uint8Array): Buffer => {
  const bytes = toBinary(BlockFooterSchema, footer)
  if (format === 0) return withTrailer(bytes, 'frames', format)
  return withTrailer(bytes, 'frames', format, macOf(bytes, sessionKey, footer.salt, footer.sessionId))
}

const formatOfMagic = (magic: string, kind: BlockKind): EvidenceFormat => {
  if (magic === magics[kind][1]) return 1
  if (magic === magics[kind][0]) return 0
  throw corrupt('block: it does not end with the magic of its kind')
}

export type FooterBytes = { format: EvidenceFormat; footer: Uint8Array; mac: Uint8Array }

/**
 * The footer's bytes out of the last bytes of a block, or how many last bytes it takes to have them all.
 * @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT
 */
export const footerBytesOf = (tail: Uint8Array, kind: BlockKind = 'frames'): FooterBytes | { needBytes: number } => {
  if (tail.byteLength < trailerBytes) throw corrupt(`block: ${tail.byteLength} bytes hold no trailer`)
  const trailer = Buffer.from(tail.buffer, tail.byteOffset + tail.byteLength - trailerBytes, trailerBytes)
  const format = formatOfMagic(trailer.toString('latin1', 4), kind)
  const length = trailer.readUInt32BE()
  if (length > blockLimits.footerBytes) throw corrupt(`block: a footer of ${length} bytes`)
  const needBytes = length + macBytesOf(kind, format) + trailerBytes
  if (tail.byteLength < needBytes) return { needBytes }
  const start = tail.byteLength - needBytes
  const footer = tail.subarray(start, start + length)
  return { format, footer, mac: tail.subarray(start + length, tail.byteLength - trailerBytes) }
}

const decodeFooter = (bytes: Uint8Array): BlockFooter => {
  try {
    return fromBinary(BlockFooterSchema, bytes)
  } catch (cause) {
    throw corrupt('block: the footer is not a BlockFooter', cause)
  }
}

const infoOf = (
  footer: BlockFooter,
  format: EvidenceFormat,
  ciphertextBytes: number,
  sizeBytes: number,
): BlockInfo => ({
  format,
  sessionId: footer.sessionId,
  bastion: footer.bastion,
  firstSeq: Number(footer.firstSeq),
  lastSeq: Number(footer.lastSeq),
  firstAtMs: Number(footer.firstAtMs),
  lastAtMs: Number(footer.lastAtMs),
  startNs: footer.startNs,
  endNs: footer.endNs,
  prevHash: footer.prevHash,
  chainHash: footer.chainHash,
  salt: footer.salt,
  ciphertextSha256: footer.ciphertextSha256,
  ciphertextBytes,
  gap: footer.gap || null,
  seals: footer.seals,
  frames: footer.frames.map((frame) => ({
    firstSeq: Number(frame.firstSeq),
    batchCount: frame.batchCount,
    offset: Number(frame.offset),
    sizeBytes: frame.size,
    compressed: frame.compressed,
    startNs: frame.startNs,
  })),
  sizeBytes,
})

/** Frames must fill the block and the run of batches, without holes and without overlap. */
const checkFrames = (info: BlockInfo, where: string): void => {
  let offset = 0
  let seq = info.firstSeq
  for (const [number, frame] of info.frames.entries()) {
    if (frame.offset !== offset || frame.firstSeq !== seq || frame.batchCount < 1)
      throw corrupt(`${where}: frame ${number} does not follow on the one before`)
    if (frame.sizeBytes <= tagBytes || frame.sizeBytes > blockLimits.framePlainBytes + tagBytes)
      throw corrupt(`${where}: frame ${number} has ${frame.sizeBytes} bytes`)
    offset += frame.sizeBytes
    seq += frame.batchCount
  }
  if (offset !== info.ciphertextBytes) throw corrupt(`${where}: frames end at ${offset}, not at the footer`)
  if (info.frames.length === 0 || seq !== info.lastSeq + 1) throw corrupt(`${where}: frames and last_seq differ`)
}

const checkSizes = (info: BlockInfo, where: string): void => {
  for (const [name, digest] of Object.entries({
    prev_hash: info.prevHash,
    chain_hash: info.chainHash,
    salt: info.salt,
    ciphertext_sha256: info.ciphertextSha256,
  })) {
    if (digest.byteLength !== 32) throw corrupt(`${where}: ${name} has ${digest.byteLength} bytes`)
  }
}

/**
 * The footer out of the last bytes of a block of `sizeBytes`; see footerBytesOf for how many. Checks everything that
 * can be checked without the frames. @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT
 */
export const parseFooter = (tail: Uint8Array, sizeBytes: number): BlockInfo => {
  const found = footerBytesOf(tail)
  if ('needBytes' in found) throw corrupt(`block: its footer needs the last ${found.needBytes} bytes`)
  const { format } = found
  // A copy: digests of a few bytes must not keep a whole block in memory.
  const footer = decodeFooter(found.footer.slice())
  if (footer.format !== format) throw new BartizanError('BTZ_EVIDENCE_FORMAT', `block of format ${footer.format}`)
  const tailBytes = found.footer.byteLength + found.mac.byteLength + trailerBytes
  const info = infoOf(footer, format, sizeBytes - tailBytes, sizeBytes)
  const where = `block ${info.sessionId}/${info.firstSeq}`
  checkSizes(info, where)
  checkFrames(info, where)
  return info
}

/** Whether the footer at the end of `tail` is the one that was written with this key. One of format 0 says nothing about it. */
export const isFooterGenuine = (tail: Uint8Array, { sessionId, salt }: BlockInfo, sessionKey: Uint8Array): boolean => {
  const found = footerBytesOf(tail)
  if ('needBytes' in found) throw corrupt(`block: its footer needs the last ${found.needBytes} bytes`)
  return found.format === 0 || timingSafeEqual(found.mac, macOf(found.footer, sessionKey, salt, sessionId))
}
