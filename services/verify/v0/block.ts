import { hash } from 'node:crypto'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { hasCode } from '#services/errors.ts'
import { checkedSha256 } from '#services/recordings/format/block.ts'
import {
  type BlockInfo,
  corrupt,
  footerBytesOf,
  parseFooter,
  trailerBytes,
} from '#services/recordings/format/block-footer.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import { formatOf, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { BlockFooterSchema } from '#services/schema/generated/block_footer_pb.ts'
import { BastionName, SessionId } from '#services/schema/ids.ts'
import type { Finding, Where } from '../finding.ts'
import { countField } from './count-field.ts'

/** What is known of a block as it stands there. `info`: null when it is not the block that its name says. */
export type BlockFacts = { key: string; sizeBytes: number; sha256: Uint8Array; info: BlockInfo | null; intact: boolean }

const smallestFrame = 64 // bytes: a batch names its session and its predecessor, and a frame has a tag

const sealed = (what: string, where: Where, detail: string): Finding => ({
  level: 'sealed',
  verdict: 'tampered',
  what,
  where,
  detail,
})

/** How the writer encodes it, and no other way: a footer has no room for what nobody reads. */
const isCanonical = (block: Uint8Array): boolean => {
  const found = footerBytesOf(block)
  if (!('footer' in found)) return false
  const footer = fromBinary(BlockFooterSchema, found.footer, { readUnknownFields: false })
  return sameBytes(toBinary(BlockFooterSchema, footer), found.footer)
}

const unreadable = (key: string, bytes: Uint8Array, error: unknown): Finding => {
  const isFormat = hasCode(error, 'BTZ_EVIDENCE_FORMAT')
  if (!isFormat && !hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
  const where = { key, byteOffset: Math.max(0, bytes.byteLength - trailerBytes) }
  const finding = sealed(isFormat ? 'format' : 'footer', where, (error as Error).message)
  return isFormat ? { ...finding, verdict: 'unknown' } : finding
}

const misplaced = (key: string, info: BlockInfo): Finding | null => {
  const named = parseSessionKey(key)
  const isOurs = named?.kind === 'block' && named.firstSeq === info.firstSeq && formatOf(key) === info.format
  const isValid = SessionId.safeParse(info.sessionId).success && BastionName.safeParse(info.bastion).success
  if (isOurs && isValid && named.prefix.endsWith(`/${info.sessionId}/`)) return null
  const held = `batch ${info.firstSeq} of session ${info.sessionId.slice(0, 36)}, in format ${info.format}`
  return sealed('misplaced', { key, byteOffset: info.ciphertextBytes }, `it holds ${held}`)
}

/** SHA-256 of the whole, and whether the ciphertext is what the footer says. */
const digests = (bytes: Uint8Array, info: BlockInfo): { sha256: Uint8Array; intact: boolean } => {
  try {
    return { sha256: checkedSha256(bytes, info), intact: true }
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
    return { sha256: hash('sha256', bytes, 'buffer'), intact: false }
  }
}

/** Counted before they are decoded: of empty ones a footer has room for two million. */
const parse = (bytes: Uint8Array): BlockInfo => {
  const found = footerBytesOf(bytes)
  const frames = 'footer' in found ? countField(found.footer, BlockFooterSchema.field.frames.number) : 0
  if (frames * smallestFrame > bytes.byteLength) throw corrupt(`block: ${frames} frames in ${bytes.byteLength} bytes`)
  return parseFooter(bytes, bytes.byteLength)
}

/** All that a block says of itself without a key. */
export const checkSealedBlock = (key: string, bytes: Uint8Array): { facts: BlockFacts; findings: Finding[] } => {
  const sizeBytes = bytes.byteLength
  let info: BlockInfo
  try {
    info = parse(bytes)
  } catch (error) {
    const finding = unreadable(key, bytes, error)
    const sha256 = hash('sha256', bytes, 'buffer')
    return { facts: { key, sizeBytes, sha256, info: null, intact: false }, findings: [finding] }
  }
  const { sha256, intact } = digests(bytes, info)
  const findings: Finding[] = []
  if (!intact)
    findings.push(
      sealed('ciphertext', { key, byteOffset: 0 }, 'the ciphertext does not match the digest in its footer'),
    )
  if (!isCanonical(bytes)) {
    const where = { key, byteOffset: info.ciphertextBytes }
    findings.push(sealed('footer', where, 'the footer is not encoded as it is written'))
  }
  const wrongPlace = misplaced(key, info)
  if (wrongPlace) findings.push(wrongPlace)
  return { facts: { key, sizeBytes, sha256, info: wrongPlace ? null : info, intact }, findings }
}
