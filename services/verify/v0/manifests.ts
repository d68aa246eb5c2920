import { hash } from 'node:crypto'
import { hasCode } from '#services/errors.ts'
import { blockKeyOf, manifestKeyOf } from '#services/recordings/format/evidence-keys.ts'
import {
  canonicalJson,
  decodeManifest,
  type Manifest,
  type ManifestBlock,
  manifestOf,
} from '#services/recordings/format/manifest.ts'
import type { Finding, Where } from '../finding.ts'
import type { BlockFacts } from './block.ts'

export type ReadManifest = { key: string; number: number; bytes: Uint8Array }
type Decoded = ReadManifest & { manifest: Manifest }
/** All of a session: its blocks by key, in the order of their batches. */
type Session = { prefix: string; sessionId: string; blocks: ReadonlyMap<string, BlockFacts> }

const maxManifestBytes = 16 * 1024 * 1024 // some 60,000 blocks

const finding = (verdict: Finding['verdict'], what: string, where: Where, detail: string): Finding => ({
  level: 'sealed',
  verdict,
  what,
  where,
  detail,
})
const tampered = (what: string, where: Where, detail: string) => finding('tampered', what, where, detail)

const decode = (read: ReadManifest): Decoded | Finding => {
  if (read.bytes.byteLength > maxManifestBytes)
    return tampered('too-large', { key: read.key }, `a manifest of ${read.bytes.byteLength} bytes`)
  try {
    return { ...read, manifest: decodeManifest(read.bytes) }
  } catch (error) {
    const where = { key: read.key, byteOffset: 0 }
    const detail = (error as Error).message
    if (hasCode(error, 'BTZ_EVIDENCE_FORMAT')) return finding('unknown', 'format', where, detail)
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return tampered('manifest', where, detail)
    throw error
  }
}

/** Each manifest but the first names the one before, with its digest, and all blocks that stood in it. */
function* checkSuccession(manifest: Decoded, before: ReadManifest | undefined, prefix: string): Generator<Finding> {
  const where = { key: manifest.key }
  if ((before?.number ?? 0) !== manifest.number - 1) {
    const missing = { key: manifestKeyOf(prefix, manifest.number - 1) }
    yield finding('incomplete', 'manifest-missing', missing, `${manifest.key} follows on it, and it is not there`)
    return
  }
  const { previous } = manifest.manifest
  const sha256 = before && hash('sha256', before.bytes, 'hex')
  if (previous?.key !== before?.key || previous?.sha256 !== sha256)
    yield tampered('manifest-previous', where, 'it does not name the manifest that stands before it')
}

function* checkExtension(manifest: Decoded, before: Decoded | undefined): Generator<Finding> {
  const named = new Map(manifest.manifest.blocks.map(({ key, sha256 }) => [key, sha256]))
  for (const { key, sha256, firstSeq } of before?.manifest.blocks ?? [])
    if (named.get(key) !== sha256)
      yield tampered('manifest-shrunk', { key, batchSeq: firstSeq }, `${manifest.key} does not name it any more`)
}

const digestFinding = (manifestKey: string, facts: BlockFacts, firstSeq: number): Finding => {
  // The footer vouches for the ciphertext: when that holds, it is the footer that was changed.
  const byteOffset = facts.intact && facts.info ? facts.info.ciphertextBytes : 0
  const where = { key: facts.key, batchSeq: firstSeq, byteOffset }
  return tampered('block-digest', where, `${manifestKey} names another SHA-256 of it`)
}

/** The blocks that the manifest names are there, and they are those. */
function* checkBlocks({ key, manifest }: Decoded, { prefix, blocks }: Session): Generator<Finding> {
  for (const named of manifest.blocks) {
    if (named.key !== blockKeyOf(prefix, named.firstSeq)) {
      yield tampered('manifest-content', { key }, `it names a block of another place for batch ${named.firstSeq}`)
      continue
    }
    const facts = blocks.get(named.key)
    if (!facts) {
      const where = { key: named.key, batchSeq: named.firstSeq }
      yield finding('incomplete', 'block-missing', where, `${key} names it, and it is not there`)
    } else if (Buffer.from(facts.sha256).toString('hex') !== named.sha256)
      yield digestFinding(key, facts, named.firstSeq)
  }
}

/** Whoever has these blocks writes these bytes, and no others. */
function* checkWording({ key, manifest }: Decoded, { sessionId, blocks }: Session): Generator<Finding> {
  if (manifest.sessionId !== sessionId) {
    yield tampered('misplaced', { key }, `it is the manifest of session ${manifest.sessionId}`)
    return
  }
  const named = manifest.blocks.map((block) => blocks.get(block.key))
  const present = named.filter(
    (facts): facts is ManifestBlock & BlockFacts => facts !== undefined && facts.info !== null,
  )
  if (present.length === 0 || present.length !== named.length) return
  const { endReason, provisional, previous } = manifest
  const rebuilt = { ...manifestOf(present, { endReason, provisional }, null), previous }
  const differs = (Object.keys(rebuilt) as (keyof Manifest)[]).filter(
    (name) => canonicalJson(rebuilt[name]) !== canonicalJson(manifest[name]),
  )
  const inOrder = manifest.blocks.every(({ firstSeq }, at) => at === 0 || manifest.blocks[at - 1]!.firstSeq < firstSeq)
  if (differs.length > 0) yield tampered('manifest-content', { key }, `its blocks say otherwise: ${differs.join(', ')}`)
  else if (!inOrder) yield tampered('manifest-content', { key }, 'its blocks are not in the order of their batches')
}

const isWhole = ({ manifest }: Decoded, { blocks }: Session): boolean =>
  manifest.blocks.every(({ key }) => (blocks.get(key)?.info ?? null) !== null)

function* checkEnding(last: Decoded, session: Session): Generator<Finding> {
  const { key, manifest } = last
  if (manifest.provisional) {
    yield finding('incomplete', 'not-ended', { key }, 'it is provisional: its bastion went silent before the end')
    return
  }
  if (isWhole(last, session) && ![...session.blocks.values()].some(({ info }) => info?.seals))
    yield tampered('end-missing', { key }, 'it says that the session ended, and no block holds the end')
}

/** What stands beside the last manifest: it came later, or it does not belong there. */
function* checkUnnamed(last: Decoded | undefined, { prefix, blocks }: Session): Generator<Finding> {
  if (!last) {
    yield finding(
      'incomplete',
      'not-sealed',
      { key: prefix },
      'no manifest can be read: the session goes on, or was cut',
    )
    return
  }
  const named = new Set(last.manifest.blocks.map(({ key }) => key))
  for (const { key, info } of blocks.values()) {
    if (named.has(key)) continue
    const where = { key, ...(info && { batchSeq: info.firstSeq }) }
    yield finding('incomplete', 'block-unnamed', where, `${last.key}, the last manifest, does not name it`)
  }
}

/**
 * The manifests of a session, one after another in the order of their numbers, against each other and against its
 * blocks. Holds two of them at a time.
 */
export const createManifestCheck = (session: Session) => {
  let before: ReadManifest | undefined
  let last: Decoded | undefined
  return {
    *take(read: ReadManifest): Generator<Finding> {
      const decoded = decode(read)
      if (!('manifest' in decoded)) yield decoded
      else {
        yield* checkSuccession(decoded, before, session.prefix)
        yield* checkExtension(decoded, last)
        yield* checkBlocks(decoded, session)
        yield* checkWording(decoded, session)
        last = decoded
      }
      before = read
    },
    *end(): Generator<Finding> {
      if (last) yield* checkEnding(last, session)
      yield* checkUnnamed(last, session)
    },
    /** The manifest that counts, when all the blocks that it names are there. */
    last: (): { key: string; manifest: Manifest } | null => (last && isWhole(last, session) ? last : null),
  }
}
