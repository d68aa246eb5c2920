import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { decrypt, deriveKey } from './block-cipher.ts'
import { blockPurpose, frameContext } from './block-context.ts'
import { type BlockInfo, blockLimits, corrupt, isFooterGenuine, parseFooter } from './block-footer.ts'
import { checkChain, sameBytes } from './chain.ts'
import { batchHash, type DecodedBatch, decodeBatchHeader } from './frame-batch.ts'

/** A batch as it was stored: its finished bytes, their SHA-256, and what its header says. */
export type StoredBatch = { finished: Uint8Array; hash: Uint8Array; decoded: DecodedBatch }

const nameOf = (info: BlockInfo, number: number): string => `block ${info.sessionId}/${info.firstSeq}, frame ${number}`

const unpack = (packed: Uint8Array, where: string): Uint8Array => {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: blockLimits.framePlainBytes })
  } catch (cause) {
    throw corrupt(`${where}: does not decompress`, cause)
  }
}

const split = (plain: Uint8Array, batchCount: number, where: string): Uint8Array[] => {
  const view = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  const batches: Uint8Array[] = []
  let offset = 0
  while (offset < view.byteLength) {
    const end = offset + 4 <= view.byteLength ? offset + 4 + view.readUInt32BE(offset) : Number.POSITIVE_INFINITY
    if (end > view.byteLength) throw corrupt(`${where}: a batch goes beyond the frame`)
    batches.push(plain.subarray(offset + 4, end))
    offset = end
  }
  if (batches.length !== batchCount) throw corrupt(`${where}: ${batches.length} batches, ${batchCount} said`)
  return batches
}

/**
 * Opens frames of one block, in any order: to read a part of a recording without the rest. `sealed` is the range
 * [offset, offset + sizeBytes) of the block. @returns the finished bytes of its batches @throws BTZ_EVIDENCE_CORRUPT
 */
export const createFrameOpener = (info: BlockInfo, sessionKey: Uint8Array) => {
  const key = deriveKey(sessionKey, info.salt, blockPurpose(info.format, info.sessionId))
  return (number: number, sealed: Uint8Array): Uint8Array[] => {
    const frame = info.frames[number]
    if (!frame) throw new RangeError(`block has no frame ${number}`)
    const where = nameOf(info, number)
    const plain = decrypt(key, number, frameContext(info.format, info.sessionId, number, frame), sealed)
    if (plain === null) throw corrupt(`${where}: does not decrypt`)
    return split(frame.compressed ? unpack(plain, where) : plain, frame.batchCount, where)
  }
}

const decode = (finished: Uint8Array, where: string): DecodedBatch => {
  try {
    return decodeBatchHeader(finished)
  } catch (cause) {
    throw corrupt(`${where}: holds a batch that cannot be decoded`, cause)
  }
}

/**
 * SHA-256 of a whole block, once the digest in its footer says that everything before it is as it was written: what
 * can be checked without a key. @throws BTZ_EVIDENCE_CORRUPT
 */
export const checkedSha256 = (block: Uint8Array, info: BlockInfo): Uint8Array => {
  const sha256 = createHash('sha256').update(block.subarray(0, info.ciphertextBytes))
  if (!sameBytes(sha256.copy().digest(), info.ciphertextSha256))
    throw corrupt(`block ${info.sessionId}/${info.firstSeq}: the ciphertext does not match its SHA-256`)
  return sha256.update(block.subarray(info.ciphertextBytes)).digest()
}

/**
 * All batches of a block, in order. Checks the digest of the ciphertext, the MAC of the footer, the tag of every frame, the session and
 * number of every batch, and the chain from the footer's prev_hash to its chain_hash.
 * @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT saying where
 */
export function* readStoredBatches(block: Uint8Array, sessionKey: Uint8Array): Generator<StoredBatch> {
  const info = parseFooter(block, block.byteLength)
  checkedSha256(block, info)
  if (!isFooterGenuine(block, info, sessionKey))
    throw corrupt(`block ${info.sessionId}/${info.firstSeq}: the footer is not the one that was written with this key`)
  const openFrame = createFrameOpener(info, sessionKey)
  let previous = { seq: info.firstSeq - 1, hash: info.prevHash }
  for (const [number, { offset, sizeBytes }] of info.frames.entries()) {
    for (const finished of openFrame(number, block.subarray(offset, offset + sizeBytes))) {
      const where = nameOf(info, number)
      const decoded = decode(finished, where)
      const stored = { finished, hash: batchHash(finished), decoded }
      const link = { seq: decoded.batchSeq, hash: stored.hash, prevHash: decoded.prevHash }
      if (decoded.sessionId !== info.sessionId || checkChain(previous, link) !== 'ok')
        throw corrupt(`${where}: batch ${decoded.batchSeq} does not follow on batch ${previous.seq}`)
      previous = { seq: link.seq, hash: link.hash }
      yield stored
    }
  }
  if (!sameBytes(previous.hash, info.chainHash))
    throw corrupt(`block ${info.sessionId}/${info.firstSeq}: the last batch does not match the chain hash`)
}

/** The finished bytes of all batches of a block, with all checks of readStoredBatches. */
export function* readBatches(block: Uint8Array, sessionKey: Uint8Array): Generator<Uint8Array> {
  for (const { finished } of readStoredBatches(block, sessionKey)) yield finished
}
