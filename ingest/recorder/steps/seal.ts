import { hasCode } from '#services/errors.ts'
import { leafRecord } from '#services/proofs/leaf.ts'
import { checkedSha256, readBatches } from '#services/recordings/format/block.ts'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import { endReasonOf } from '#services/recordings/format/end-reason.ts'
import { blockKeyOf, manifestKeyOf } from '#services/recordings/format/evidence-keys.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestBlock,
  manifestOf,
} from '#services/recordings/format/manifest.ts'
import type { RecorderContext } from '../context.ts'
import { sessionRetainUntil } from '../retention.ts'
import type { OpenSession } from '../session.ts'
import { isUnreadable, listSession } from '../stored-session.ts'
import { recordedOf } from './append.ts'
import { report } from './report.ts'

const keyIsGone = ['BTZ_KEY_DESTROYED', 'BTZ_KEY_NOT_FOUND', 'BTZ_KEY_INVALID'] as const

type Ending = Pick<Manifest, 'endReason' | 'provisional'>
type Sealing = Pick<OpenSession, 'sessionId' | 'bastion'> & { prefix: string }

/** The blocks as they stand in the store: what the manifest vouches for is what can be read back. */
const readBlocks = async (ctx: RecorderContext, session: Sealing, firstSeqs: number[]): Promise<ManifestBlock[]> => {
  const blocks: ManifestBlock[] = []
  for (const firstSeq of firstSeqs) {
    const key = blockKeyOf(session.prefix, firstSeq)
    const bytes = await ctx.recordings.get(key)
    try {
      const info = parseFooter(bytes, bytes.byteLength)
      blocks.push({ key, info, sha256: checkedSha256(bytes, info) })
    } catch (error) {
      if (!isUnreadable(error)) throw error
      const detail = `${key}: ${(error as Error).message}`
      await report(ctx, session, { status: 'tampered', what: 'corrupt', seq: firstSeq, detail })
    }
  }
  return blocks
}

/** What heads the batches in these blocks; nothing where the key is gone. */
async function* storedHeaders(ctx: RecorderContext, sessionId: string, blocks: ManifestBlock[]) {
  const sessionKey = await ctx.keys.get(`session:${sessionId}`).catch((error: unknown) => {
    if (keyIsGone.some((code) => hasCode(error, code))) return null
    throw error
  })
  if (sessionKey === null) return
  for (const { key } of blocks)
    for (const finished of readBatches(await ctx.recordings.get(key), sessionKey)) yield decodeBatchHeader(finished)
}

/** Out of the recording itself, when this worker did not see the end. */
const storedEndReason = async (ctx: RecorderContext, sessionId: string, blocks: ManifestBlock[]) => {
  const sealing = blocks.filter(({ info }) => info.seals)
  for await (const { end } of storedHeaders(ctx, sessionId, sealing)) if (end) return endReasonOf(end.reason)
  return 'unknown'
}

/** Likewise, when it did not see the beginning. */
const storedRecorded = async (ctx: RecorderContext, sessionId: string, blocks: ManifestBlock[]) => {
  try {
    for await (const header of storedHeaders(ctx, sessionId, blocks.slice(0, 1))) return recordedOf(header)
  } catch (error) {
    if (!isUnreadable(error)) throw error // it was reported when the blocks were read, or `verify` tells
  }
  return null
}

/** All evidence of a session ends on the same date. */
const extendAll = async (ctx: RecorderContext, keys: string[], until: Date): Promise<void> => {
  for (const key of keys) {
    const present = await ctx.recordings.head(key)
    if ((present?.retainUntil?.getTime() ?? 0) < until.getTime()) await ctx.recordings.extendRetention(key, until)
  }
}

/** Puts the manifest under the next free number, unless the last one says the same already. @returns its key */
const putManifest = async (
  ctx: RecorderContext,
  { prefix }: Sealing,
  blocks: ManifestBlock[],
  ending: Ending,
  retainUntil: Date,
): Promise<{ key: string; bytes: Uint8Array }> => {
  while (true) {
    const { manifests } = await listSession(ctx.recordings, prefix)
    const number = manifests.at(-1) ?? 0
    const lastKey = manifestKeyOf(prefix, number)
    const last = number === 0 ? null : { key: lastKey, bytes: await ctx.recordings.get(lastKey) }
    if (last !== null && saysTheSame(last.bytes, blocks, ending)) return last
    const key = manifestKeyOf(prefix, number + 1)
    const bytes = encodeManifest(manifestOf(blocks, ending, last))
    try {
      await ctx.recordings.put(key, bytes, { retainUntil })
      return { key, bytes }
    } catch (error) {
      if (!hasCode(error, 'BTZ_RECORDING_EXISTS')) throw error
    }
  }
}

const saysTheSame = (bytes: Uint8Array, blocks: ManifestBlock[], ending: Ending): boolean => {
  try {
    const { previous, ...said } = decodeManifest(bytes)
    const { previous: _, ...ours } = manifestOf(blocks, ending, null)
    return sameBytes(encodeManifest({ ...said, previous: null }), encodeManifest({ ...ours, previous: null }))
  } catch (error) {
    if (isUnreadable(error)) return false
    throw error
  }
}

/**
 * Makes the manifest durable, and then its leaf for the transparency log. Done again after a crash it finds its own. `provisional`: without the session's end.
 * @returns its key for the catalog; null when no block of the session can be read
 */
export const seal = async (
  ctx: RecorderContext,
  session: Sealing & Pick<OpenSession, 'end'> & Partial<Pick<OpenSession, 'recorded'>>,
  provisional: boolean,
): Promise<string | null> => {
  const { firstSeqs } = await listSession(ctx.recordings, session.prefix)
  const blocks = await readBlocks(ctx, session, firstSeqs)
  if (blocks.length === 0) return null
  const endReason = provisional
    ? 'unknown'
    : (session.end?.reason ?? (await storedEndReason(ctx, session.sessionId, blocks)))
  const recorded = session.recorded ?? (ctx.daysFor ? await storedRecorded(ctx, session.sessionId, blocks) : null)
  const until = sessionRetainUntil(ctx, recorded)
  const manifest = await putManifest(ctx, session, blocks, { endReason, provisional }, until)
  await extendAll(ctx, [...blocks.map(({ key }) => key), manifest.key], until)
  await ctx.bus.produce([leafRecord('manifest', manifest.key, manifest.bytes)])
  ctx.metrics.sealed.inc()
  return manifest.key
}
