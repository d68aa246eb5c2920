import { hasCode } from '#services/errors.ts'
import { createFrameOpener } from '#services/recordings/format/block.ts'
import { type BlockInfo, isFooterGenuine } from '#services/recordings/format/block-footer.ts'
import { checkChain, sameBytes } from '#services/recordings/format/chain.ts'
import { endReasonOf } from '#services/recordings/format/end-reason.ts'
import {
  batchHash,
  checkPayload,
  type DecodedBatch,
  decodeBatchHeader,
} from '#services/recordings/format/frame-batch.ts'
import type { Manifest } from '#services/recordings/format/manifest.ts'
import type { Finding, Where } from '../finding.ts'
import type { BlockFacts } from './block.ts'
import { maskedFault } from './masked.ts'
import { followsFromHead, type HeadCheck } from './signatures.ts'

type Point = { seq: number; hash: Uint8Array; endNs: bigint | null }
type Tail = { key: string; firstSeq: number } // from this batch on nobody has signed yet

const finding = (verdict: Finding['verdict'], what: string, where: Where, detail: string): Finding => ({
  level: 'content',
  verdict,
  what,
  where,
  detail,
})
const tampered = (what: string, where: Where, detail: string) => finding('tampered', what, where, detail)

const isOurError = (error: unknown): error is Error =>
  hasCode(error, 'BTZ_EVIDENCE_CORRUPT') || hasCode(error, 'BTZ_BATCH_INVALID')

/** What the footer says of its batches, from the batches. */
const footerFaults = (info: BlockInfo, first: DecodedBatch, last: DecodedBatch, hash: Uint8Array, ended: boolean) =>
  Object.entries({
    chain_hash: sameBytes(hash, info.chainHash),
    first_at_ms: first.closedAtMs === info.firstAtMs,
    last_at_ms: last.closedAtMs === info.lastAtMs,
    start_ns: first.startNs === info.startNs,
    end_ns: last.endNs === info.endNs,
    seals: info.seals || !ended,
  }).flatMap(([name, holds]) => (holds ? [] : [name]))

/**
 * The batches of one session, block by block in their order: each decrypts, follows on the one before, is as its footer
 * says, and is vouched for by a signed head that comes later.
 */
export const createContentCheck = (sessionId: string, sessionKey: Uint8Array, heads: HeadCheck) => {
  let point: Point | null = null // null: what stood before could not be read
  let tail: Tail | null = null
  let end: { reason: Manifest['endReason']; seq: number; key: string } | null = null
  let batches = 0
  let masked = 0
  let allRead = true

  function* breakOff(): Generator<Finding> {
    if (tail && point) {
      const detail = `no signed head vouches for batches ${tail.firstSeq} to ${point.seq}`
      yield finding('unknown', 'unsigned', { key: tail.key, batchSeq: tail.firstSeq }, detail)
    }
    tail = null
  }

  function* judge(batch: DecodedBatch, finished: Uint8Array, where: Where): Generator<Finding> {
    const startNs = point?.endNs ?? null
    const isClosing = end !== null && startNs !== null && followsFromHead(finished, batch, startNs)
    if (batch.head) {
      const fault = heads.check(batch)
      if (fault) yield finding(fault.verdict, fault.what, where, fault.detail)
      else tail = null
    }
    if (end !== null && !isClosing) yield tampered('after-end', where, `the session ended with batch ${end.seq}`)
    if (!isClosing) tail ??= { key: where.key, firstSeq: batch.batchSeq }
    const fault = maskedFault(batch.message)
    if (fault) yield tampered('masked', where, fault)
    masked += batch.message.masked.length
    if (batch.end) end = { reason: endReasonOf(batch.end.reason), seq: batch.batchSeq, key: where.key }
  }

  function* takeBatch(finished: Uint8Array, info: BlockInfo, where: Where): Generator<Finding, DecodedBatch | null> {
    let batch: DecodedBatch
    try {
      batch = decodeBatchHeader(finished)
      checkPayload(batch)
    } catch (error) {
      if (!isOurError(error)) throw error
      yield tampered('batch', where, error.message)
      return null
    }
    const at = { ...where, batchSeq: batch.batchSeq }
    const hash = batchHash(finished)
    if (batch.sessionId !== sessionId || batch.bastion !== info.bastion)
      yield tampered('misplaced', at, 'the batch is one of another session or bastion')
    if (point && checkChain(point, { seq: batch.batchSeq, hash, prevHash: batch.prevHash }) !== 'ok')
      yield tampered('chain', at, `batch ${batch.batchSeq} does not follow on batch ${point.seq}`)
    yield* judge(batch, finished, at)
    point = { seq: batch.batchSeq, hash, endNs: batch.endNs }
    batches++
    return batch
  }

  /** The batches of one frame; null when it cannot be opened. */
  function* takeFrame(key: string, info: BlockInfo, number: number, open: () => Uint8Array[]) {
    const { firstSeq, offset: byteOffset } = info.frames[number]!
    const where = { key, frame: number, batchSeq: firstSeq, byteOffset }
    const taken: DecodedBatch[] = []
    try {
      for (const finished of open()) {
        const batch: DecodedBatch | null = yield* takeBatch(finished, info, where)
        if (batch === null) return null
        taken.push(batch)
      }
    } catch (error) {
      if (!isOurError(error)) throw error
      yield tampered('frame', where, error.message)
      return null
    }
    return taken
  }

  function* startBlock(info: BlockInfo): Generator<Finding> {
    const continues = point !== null && point.seq + 1 === info.firstSeq && sameBytes(point.hash, info.prevHash)
    if (continues) return
    yield* breakOff()
    point = { seq: info.firstSeq - 1, hash: info.prevHash, endNs: null }
  }

  function* block(facts: BlockFacts, bytes: Uint8Array): Generator<Finding> {
    const { key, info } = facts
    if (info === null) {
      allRead = false
      yield* breakOff()
      point = null
      return
    }
    yield* startBlock(info)
    if (!isFooterGenuine(bytes, info, sessionKey))
      yield tampered(
        'footer',
        { key, byteOffset: info.ciphertextBytes },
        'it was not written with the key of the session',
      )
    const openFrame = createFrameOpener(info, sessionKey)
    let [first, last]: (DecodedBatch | null)[] = [null, null]
    let isWhole = true
    for (const [number, { offset, sizeBytes, startNs }] of info.frames.entries()) {
      const sealed = bytes.subarray(offset, offset + sizeBytes)
      const taken: DecodedBatch[] | null = yield* takeFrame(key, info, number, () => openFrame(number, sealed))
      if (taken === null) {
        isWhole = false
        allRead = false
        yield* breakOff()
        point = null
        continue
      }
      if (taken[0] && taken[0].startNs !== startNs)
        yield tampered(
          'footer',
          { key, frame: number, byteOffset: info.ciphertextBytes },
          'start_ns of the frame is another',
        )
      first ??= taken[0] ?? null
      last = taken.at(-1) ?? null
    }
    if (!isWhole || !first || !last || !point) return
    const ended = end !== null && end.key === key
    const faults = footerFaults(info, first, last, point.hash, ended)
    if (faults.length > 0)
      yield tampered(
        'footer',
        { key, byteOffset: info.ciphertextBytes },
        `the batches say otherwise: ${faults.join(', ')}`,
      )
  }

  return {
    block,
    /** After the last block. `manifest`: the one that counts; null when not all of its blocks are there. */
    *finish(manifest: { key: string; manifest: Manifest } | null): Generator<Finding> {
      yield* breakOff()
      if (!manifest || manifest.manifest.provisional || !allRead) return
      const { endReason } = manifest.manifest
      const recorded = end?.reason ?? 'no end'
      if (endReason !== recorded)
        yield tampered('end-reason', { key: manifest.key }, `it says ${endReason}, the recording says ${recorded}`)
    },
    counts: () => ({ batches, masked, signers: heads.signers() }),
  }
}
