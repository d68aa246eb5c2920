import type { BlockInfo } from '#services/recordings/format/block-footer.ts'
import {
  blockKeyOf,
  dateOf,
  evidenceFormats,
  manifestKeyOf,
  parseSessionKey,
  sessionPrefix,
} from '#services/recordings/format/evidence-keys.ts'
import { decodeManifest } from '#services/recordings/format/manifest.ts'
import type { PartitionContext, RecorderContext } from '../context.ts'
import type { OpenSession, TakenBatch } from '../session.ts'
import { isUnreadable, type Listing, listSession, readFooter } from '../stored-session.ts'
import { blockRow } from './block-row.ts'
import { report } from './report.ts'

const dayMs = 86_400_000

/** The time in a UUIDv7: its first 48 bits are Unix ms (RFC 9562, 5.7). */
const idTimeMs = (sessionId: string): number => Number.parseInt(sessionId.slice(0, 8) + sessionId.slice(9, 13), 16)

const dateOrNull = (atMs: number): string | null => {
  try {
    return dateOf(atMs)
  } catch {
    return null
  }
}

/** By its batch 0, or by its id when that one is missing. */
const newDate = ({ sessionId, batchSeq, closedAtMs }: TakenBatch['decoded']): string => {
  const ofId = batchSeq === 0 ? null : dateOrNull(idTimeMs(sessionId))
  return ofId ?? dateOf(closedAtMs)
}
/** The prefix of a session that has no block yet. */
export const newPrefix = ({ decoded }: Pick<TakenBatch, 'decoded'>): string =>
  sessionPrefix(newDate(decoded), decoded.sessionId)

/**
 * Where its blocks may stand: by batch 0, or near the date in the id; of a session that began before an upgrade in the
 * older format, in which it is then ended.
 */
const prefixesNear = (batch: TakenBatch): string[] => {
  const { sessionId } = batch.decoded
  const idMs = idTimeMs(sessionId)
  const near = [idMs, idMs - dayMs, idMs + dayMs].map(dateOrNull).filter((date) => date !== null)
  const dates = [...new Set([newDate(batch.decoded), ...near])]
  return evidenceFormats.flatMap((format) => dates.map((date) => sessionPrefix(date, sessionId, format)))
}

/** A clock that jumped while the session began leads elsewhere: only the catalog knows where. */
const prefixesKnown = async (catalog: RecorderContext['catalog'], sessionId: string): Promise<string[]> => {
  const rows = await catalog.blocks(sessionId)
  return [...new Set(rows.map(({ key }) => parseSessionKey(key)?.prefix ?? null).filter((prefix) => prefix !== null))]
}

type Found = { prefix: string; listing: Listing }

const firstWithBlocks = async (ctx: RecorderContext, prefixes: string[]): Promise<Found | null> => {
  // All at once: each is a request to the store, and every new session waits for them.
  const look = async (prefix: string): Promise<Found> => ({
    prefix,
    listing: await listSession(ctx.recordings, prefix),
  })
  const found = await Promise.all(prefixes.map(look))
  return found.find(({ listing }) => listing.firstSeqs.length > 0) ?? null
}

const find = async (ctx: RecorderContext, batch: TakenBatch): Promise<Found | null> => {
  const found = await firstWithBlocks(ctx, prefixesNear(batch))
  if (found !== null || batch.decoded.batchSeq === 0) return found
  return firstWithBlocks(ctx, await prefixesKnown(ctx.catalog, batch.decoded.sessionId))
}

/** Rows of blocks that a crash, or a catalog that was away, left out. */
const makeUpRows = async ({ catalog, recordings }: RecorderContext, sessionId: string, found: Found): Promise<void> => {
  const { prefix, listing } = found
  const present = new Set((await catalog.blocks(sessionId)).map(({ firstSeq }) => firstSeq))
  for (const firstSeq of listing.firstSeqs.filter((seq) => !present.has(seq))) {
    const key = blockKeyOf(prefix, firstSeq)
    try {
      await catalog.putBlock(blockRow(key, await readFooter(recordings, key, listing.sizes.get(firstSeq)!)))
    } catch (error) {
      if (!isUnreadable(error)) throw error // such a block is reported by whoever needs it
    }
  }
}

/** The last footer that can be read. A block that cannot is reported; its batches count as missing. */
const lastFooter = async (ctx: RecorderContext, batch: TakenBatch, { prefix, listing }: Found) => {
  for (const firstSeq of listing.firstSeqs.toReversed()) {
    const key = blockKeyOf(prefix, firstSeq)
    try {
      return await readFooter(ctx.recordings, key, listing.sizes.get(firstSeq)!)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      const detail = `${key}: ${(error as Error).message}`
      await report(ctx, batch.decoded, { status: 'tampered', what: 'corrupt', seq: firstSeq, detail })
    }
  }
  return null
}

/** The last manifest, when it covers all that stands. */
const coveringManifest = async (
  ctx: RecorderContext,
  { prefix, listing }: Found,
  last: BlockInfo,
): Promise<string | null> => {
  const number = listing.manifests.at(-1)
  if (number === undefined) return null
  const key = manifestKeyOf(prefix, number)
  try {
    const { blocks, provisional } = decodeManifest(await ctx.recordings.get(key))
    const covered = blocks.length === listing.firstSeqs.length && blocks.at(-1)?.lastSeq === last.lastSeq
    return covered && !(provisional && last.seals) ? key : null
  } catch (error) {
    if (isUnreadable(error)) return null
    throw error
  }
}

const createSession = ({ decoded }: TakenBatch, nowMs: number): OpenSession => ({
  sessionId: decoded.sessionId,
  bastion: decoded.bastion,
  prefix: null,
  key: null,
  point: null,
  block: null,
  recorded: null,
  waiting: new Map(),
  backlog: [],
  refusedSeq: null,
  gap: null,
  end: null,
  sealHold: null,
  lookup: null,
  touchedAtMs: nowMs,
})

/**
 * What is known of the session of `batch`, from what is stored: the first thing after an assignment, so that nothing
 * is recorded twice. Makes up for the catalog rows that a crash after the block, or after the manifest, left out.
 */
export const loadSession = async (ctx: PartitionContext, batch: TakenBatch): Promise<OpenSession> => {
  const nowMs = ctx.clock.now()
  const session = createSession(batch, nowMs)
  const found = await find(ctx, batch)
  if (found === null) return session
  const { prefix } = found
  const last = await lastFooter(ctx, batch, found)
  if (last === null) return { ...session, prefix }
  const { sessionId, chainHash, lastSeq, seals: isEnded } = last
  const { offset } = batch.record
  ctx.rows.add(offset, () => makeUpRows(ctx, sessionId, found))
  const manifestKey = isEnded ? await coveringManifest(ctx, found, last) : null
  if (manifestKey !== null) ctx.rows.add(offset, () => ctx.catalog.markSealed(sessionId, manifestKey))
  return {
    ...session,
    bastion: last.bastion,
    prefix,
    point: { seq: lastSeq, hash: chainHash },
    end: isEnded ? { reason: null, atMs: nowMs, headSeen: false } : null,
    sealHold: isEnded && manifestKey === null ? offset : null,
  }
}
