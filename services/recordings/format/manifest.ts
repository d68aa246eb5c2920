import { hash } from 'node:crypto'
import { z } from 'zod'
import { BartizanError } from '../../errors.ts'
import { BastionName, SessionId, Sha256Hex } from '../../schema/ids.ts'
import { type BlockInfo, corrupt } from './block-footer.ts'
import { sameBytes } from './chain.ts'
import { formatOf } from './evidence-keys.ts'

/**
 * What a session's evidence consists of: ids and hashes only, so that it may be public and outlive the content. Stored
 * as canonical JSON (keys sorted, no white space): equal manifests are equal bytes.
 */
const seq = z.number().int().nonnegative()
/** `lost`: batches never came. `fork`: other batches stand in their place. `chain`: a batch names another predecessor. */
export const GapReason = z.enum(['lost', 'fork', 'chain'])
export type GapReason = z.infer<typeof GapReason>

export const Manifest = z.strictObject({
  format: z.literal([0, 1]), // that of its place: what stands under evidence/v1 is of format 1
  sessionId: SessionId,
  bastion: BastionName,
  blocks: z.array(
    z.strictObject({
      key: z.string(),
      firstSeq: seq,
      lastSeq: seq,
      sha256: Sha256Hex, // of the whole block
      chainHash: Sha256Hex,
    }),
  ),
  /** Where the chain of blocks does not hold: batches firstSeq..lastSeq are missing (none: lastSeq < firstSeq). */
  gaps: z.array(z.strictObject({ firstSeq: seq, lastSeq: z.number().int(), reason: GapReason })),
  endReason: z.enum(['exit', 'recorder_killed', 'truncated', 'aborted', 'unknown']),
  /** Written without the session's end, because its bastion went silent. */
  provisional: z.boolean(),
  previous: z.strictObject({ key: z.string(), sha256: Sha256Hex }).nullable(),
})
export type Manifest = z.infer<typeof Manifest>

/** A block of the session as it stands in the store. `sha256`: of the whole block. */
export type ManifestBlock = { key: string; info: BlockInfo; sha256: Uint8Array }

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, child]) => [key, sorted(child)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
/** JSON with sorted keys and without white space, as RFC 8785 for the strings and integers that occur here. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value))
export const encodeManifest = (manifest: Manifest): Uint8Array => Buffer.from(canonicalJson(manifest))

const smallestBlock = 200 // characters: two digests, a key, numbers
const maxShown = 3

/** @throws BTZ_EVIDENCE_CORRUPT, also for JSON that is not canonical */
export const decodeManifest = (bytes: Uint8Array): Manifest => {
  const text = Buffer.from(bytes).toString()
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw corrupt('manifest: not JSON', cause)
  }
  if (![0, 1].includes((parsed as { format?: number } | null)?.format ?? -1))
    throw new BartizanError('BTZ_EVIDENCE_FORMAT', 'manifest of another format')
  // Before each is looked at: of a million that are none, naming what is wrong takes minutes.
  const { blocks } = parsed as { blocks?: unknown }
  if (Array.isArray(blocks) && blocks.length * smallestBlock > text.length)
    throw corrupt('manifest: blocks that are none')
  const manifest = Manifest.safeParse(parsed)
  if (!manifest.success)
    throw corrupt(`manifest: ${z.prettifyError({ issues: manifest.error.issues.slice(0, maxShown) })}`)
  if (canonicalJson(manifest.data) !== text) throw corrupt('manifest: not in canonical form')
  return manifest.data
}

/** Where the blocks, in order of their batches, do not continue each other. */
const gapsOf = (blocks: readonly BlockInfo[]): Manifest['gaps'] =>
  blocks.flatMap((block, index) => {
    const before = blocks[index - 1]
    const firstSeq = before === undefined ? 0 : before.lastSeq + 1
    const continues = before === undefined || sameBytes(before.chainHash, block.prevHash)
    if (block.firstSeq === firstSeq && continues) return []
    const named = GapReason.safeParse(block.gap)
    const reason = named.success ? named.data : block.firstSeq > firstSeq ? 'lost' : 'chain'
    return [{ firstSeq, lastSeq: block.firstSeq - 1, reason }]
  })

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Pure: the same blocks give the same bytes, whoever writes the manifest. */
export const manifestOf = (
  blocks: readonly ManifestBlock[],
  ending: Pick<Manifest, 'endReason' | 'provisional'>,
  previous: { key: string; bytes: Uint8Array } | null,
): Manifest => {
  const first = blocks[0]
  if (!first) throw new RangeError('a manifest without a block')
  return {
    format: formatOf(first.key),
    sessionId: SessionId.parse(first.info.sessionId),
    bastion: BastionName.parse(first.info.bastion),
    blocks: blocks.map(({ key, info, sha256 }) => ({
      key,
      firstSeq: info.firstSeq,
      lastSeq: info.lastSeq,
      sha256: hex(sha256),
      chainHash: hex(info.chainHash),
    })),
    gaps: gapsOf(blocks.map(({ info }) => info)),
    ...ending,
    previous: previous && { key: previous.key, sha256: hash('sha256', previous.bytes, 'hex') },
  }
}
