import { Buffer } from 'node:buffer'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { BartizanError } from '../../errors.ts'
import { type BlockFooter, BlockFooterSchema } from '../../schema/generated/block_footer_pb.ts'
import { tagBytes } from './block-cipher.ts'
import { batchLimits } from './frame-batch.ts'

/**
 * An evidence block: a run of batches of one session without a gap in batchSeq.
 *
 *   encrypted frames, one after another        AES-256-GCM, tag at the end of each
 *   footer                                     protobuf BlockFooter, in clear
 *   trailer, 12 bytes                          length of the footer (u32, big-endian), magic "BTZBLK00"
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
const magic = Buffer.from('BTZBLK00')

/** What is bound to a frame's ciphertext: a frame moved to another place, block or session does not decrypt. */
export const frameContext = (
  sessionId: string,
  number: number,
  { firstSeq, batchCount, compressed }: Pick<BlockFrameInfo, 'firstSeq' | 'batchCount' | 'compressed'>,
): string => `bartizan frame v0\n${sessionId}\n${number}\n${firstSeq}\n${batchCount}\n${compressed ? 1 : 0}\n`
export const blockPurpose = (sessionId: string): string => `bartizan block v0${sessionId}`

export const corrupt = (what: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_EVIDENCE_CORRUPT', what, { cause })

/** A footer's bytes with its length and the magic of its kind after it. */
export const withTrailer = (footer: Uint8Array, kind: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(footer.byteLength)
  return Buffer.concat([footer, length, kind])
}
export const encodeFooter = (footer: BlockFooter): Buffer => withTrailer(toBinary(BlockFooterSchema, footer), magic)

/**
 * The footer's bytes out of the last bytes of a block, or how many last bytes it takes to have them all.
 * @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT
 */
export const footerBytesOf = (
  tail: Uint8Array,
  kind: Uint8Array = magic,
): { footer: Uint8Array } | { needBytes: number } => {
  if (tail.byteLength < trailerBytes) throw corrupt(`block: ${tail.byteLength} bytes hold no trailer`)
  const trailer = Buffer.from(tail.buffer, tail.byteOffset + tail.byteLength - trailerBytes, trailerBytes)
  if (!trailer.subarray(4).equals(kind)) throw corrupt('block: it does not end with the magic of its kind')
  const length = trailer.readUInt32BE()
  if (length > blockLimits.footerBytes) throw corrupt(`block: a footer of ${length} bytes`)
  const needBytes = length + trailerBytes
  if (tail.byteLength < needBytes) return { needBytes }
  return { footer: tail.subarray(tail.byteLength - needBytes, tail.byteLength - trailerBytes) }
}

const decodeFooter = (bytes: Uint8Array): BlockFooter => {
  try {
    return fromBinary(BlockFooterSchema, bytes)
  } catch (cause) {
    throw corrupt('block: the footer is not a BlockFooter', cause)
  }
}

const infoOf = (footer: BlockFooter, ciphertextBytes: number, sizeBytes: number): BlockInfo => ({
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
  const footer = decodeFooter(found.footer)
  if (footer.format !== 0) throw new BartizanError('BTZ_EVIDENCE_FORMAT', `block of format ${footer.format}`)
  const info = infoOf(footer, sizeBytes - found.footer.byteLength - trailerBytes, sizeBytes)
  const where = `block ${info.sessionId}/${info.firstSeq}`
  checkSizes(info, where)
  checkFrames(info, where)
  return info
}
