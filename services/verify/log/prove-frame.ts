import { leafOfObject } from '../../proofs/leaf.ts'
import type { NoteVerifier } from '../../proofs/note.ts'
import { createFrameOpener } from '../../recordings/format/block.ts'
import { type BlockInfo, footerBytesOf, isFooterGenuine, parseFooter } from '../../recordings/format/block-footer.ts'
import { checkChain, sameBytes } from '../../recordings/format/chain.ts'
import { parseSessionKey } from '../../recordings/format/evidence-keys.ts'
import { batchHash, decodeBatchHeader } from '../../recordings/format/frame-batch.ts'
import { decodeManifest, type Manifest } from '../../recordings/format/manifest.ts'
import { type EvidenceSource, listObjects } from '../read-objects.ts'
import { latestCheckpoint, type ReadCheckpoint } from './checkpoints.ts'
import { createLeafProver, type LeafProof, unproven } from './prove-leaf.ts'
import { createStoredLog } from './stored-log.ts'

const tailBytes = 1024 // of a block; the footer of a usual one fits
const keptManifests = 16

/** `batches`: finished bytes. `checkpoint`: what vouches for the manifest that names the block. */
export type ProvenFrame = {
  frame: number
  batches: Uint8Array[]
  manifestKey: string
  leaf: LeafProof
  checkpoint: ReadCheckpoint
}
export type ProverOptions = { source: EvidenceSource; verifier: NoteVerifier; sessionKey: Uint8Array }
type Vouched = { key: string; manifest: Manifest; leaf: LeafProof; checkpoint: ReadCheckpoint }

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const readFooter = async ({ source, sessionKey }: ProverOptions, blockKey: string): Promise<BlockInfo> => {
  const object = await source.head(blockKey)
  if (object === null) throw unproven(`${blockKey}: it is not there`)
  let tail = await source.get(blockKey, { start: -tailBytes, length: tailBytes })
  const found = footerBytesOf(tail)
  if ('needBytes' in found) {
    const before = { start: -found.needBytes, length: found.needBytes - tail.byteLength }
    tail = Buffer.concat([await source.get(blockKey, before), tail])
  }
  const info = parseFooter(tail, object.sizeBytes)
  if (!isFooterGenuine(tail, info, sessionKey)) throw unproven(`${blockKey}: the footer was not written with this key`)
  return info
}

/** The frame that holds this moment: the last that begins before it. */
const frameAt = ({ frames }: BlockInfo, atNs: bigint): number =>
  Math.max(
    0,
    frames.findLastIndex(({ startNs }) => startNs <= atNs),
  )

/** The batches of a frame follow each other, and on the ends of the block where it has one. */
const checkBatches = (info: BlockInfo, frame: number, batches: readonly Uint8Array[]): void => {
  const { firstSeq } = info.frames[frame]!
  let before = frame === 0 ? { seq: info.firstSeq - 1, hash: info.prevHash } : null
  for (const [at, finished] of batches.entries()) {
    const { sessionId, batchSeq: seq, prevHash } = decodeBatchHeader(finished)
    const hash = batchHash(finished)
    const isOurs = sessionId === info.sessionId && seq === firstSeq + at
    if (!isOurs || (before && checkChain(before, { seq, hash, prevHash }) !== 'ok'))
      throw unproven(`batch ${seq} in frame ${frame} does not follow on the one before`)
    before = { seq, hash }
  }
  if (frame === info.frames.length - 1 && !sameBytes(before!.hash, info.chainHash))
    throw unproven(`the last batch of frame ${frame} is not the one that the block ends with`)
}

/**
 * Proves single moments of a session, reading a frame and little else: footer of its block, manifest, and the path from that to
 * a signed checkpoint. Manifest, tiles and checkpoint are read once for many. What it says: who had the session's key wrote
 * this frame in this place of this block, and the log vouches for the manifest that names the block and the chain at its end.
 * The digest of the whole block is not compared: that takes the whole block.
 */
export const createFrameProver = (options: ProverOptions) => {
  const { source, verifier, sessionKey } = options
  const log = createStoredLog(source, verifier)
  const known = new Map<string, Vouched>()
  let prover: { checkpoint: ReadCheckpoint; prove: ReturnType<typeof createLeafProver> } | null = null

  const openProver = async () => {
    const finding = latestCheckpoint(log)
    let step = await finding.next()
    while (!step.done) step = await finding.next()
    if (step.value === null) throw unproven('the log has no checkpoint')
    return { checkpoint: step.value, prove: createLeafProver(log, step.value) }
  }
  const vouch = async (prefix: string): Promise<Vouched> => {
    prover ??= await openProver()
    let last: string | null = null
    for await (const { key } of listObjects(source, `${prefix}manifest-`)) last = key
    if (last === null) throw unproven(`${prefix}: no manifest: the session is not sealed`)
    const bytes = await source.get(last)
    const leaf = await prover.prove(leafOfObject('manifest', last, bytes).id)
    const { checkpoint } = prover
    if (leaf === null) throw unproven(`${last}: the checkpoint of ${checkpoint.size} leaves does not cover it`)
    if (known.size >= keptManifests) known.delete(known.keys().next().value!)
    const vouched = { key: last, manifest: decodeManifest(bytes), leaf, checkpoint }
    known.set(prefix, vouched)
    return vouched
  }

  /** @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT saying what does not hold */
  return async ({ blockKey, atNs }: { blockKey: string; atNs: bigint }): Promise<ProvenFrame> => {
    const prefix = parseSessionKey(blockKey)?.prefix
    if (prefix === undefined) throw unproven(`${blockKey} is not the key of a block`)
    const info = await readFooter(options, blockKey)
    const { key, manifest, leaf, checkpoint } = known.get(prefix) ?? (await vouch(prefix))
    const named = manifest.blocks.find((block) => block.key === blockKey)
    if (!named || named.firstSeq !== info.firstSeq || named.chainHash !== hex(info.chainHash))
      throw unproven(`${blockKey} is not the block that ${key} names`)
    const frame = frameAt(info, atNs)
    const { offset, sizeBytes } = info.frames[frame]!
    const sealed = await source.get(blockKey, { start: offset, length: sizeBytes })
    const batches = createFrameOpener(info, sessionKey)(frame, sealed)
    checkBatches(info, frame, batches)
    return { frame, batches, manifestKey: key, leaf, checkpoint }
  }
}
