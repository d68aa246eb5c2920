import type { BlockInfo } from '#services/recordings/format/block-footer.ts'
import {
  blockKeyOf,
  dateOf,
  manifestKeyOf,
  parseSessionKey,
  sessionPrefix,
} from '#services/recordings/format/evidence-keys.ts'
import { decodeManifest } from '#services/recordings/format/manifest.ts'
import type { RecorderContext } from '../context.ts'
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

/** The prefix of a session that has no block yet: by its batch 0, or by its id when that one is missing. */
export const newPrefix = ({ decoded }: Pick<TakenBatch, 'decoded'>): string => {
  const { sessionId, batchSeq, closedAtMs } = decoded
  const ofId = batchSeq === 0 ? null : dateOrNull(idTimeMs(sessionId))
  return sessionPrefix(ofId ?? dateOf(closedAtMs), sessionId)
}

/** Where its blocks may stand: as the catalog knows; else by batch 0, or near the date in the id. */
const prefixesOf = async (catalog: RecorderContext['catalog'], batch: TakenBatch): Promise<string[]> => {
  const { sessionId } = batch.decoded
  const rows = await catalog.blocks(sessionId)
  const known = rows.map(({ key }) => parseSessionKey(key)?.prefix ?? null).filter((prefix) => prefix !== null)
  const idMs = idTimeMs(sessionId)
  const near = [idMs, idMs - dayMs, idMs + dayMs].map(dateOrNull).filter((date) => date !== null)
  return [...new Set([...known, newPrefix(batch), ...near.map((date) => sessionPrefix(date, sessionId))])]
}

type Found = { prefix: string; listing: Listing }

const find = async ({ recordings, catalog }: RecorderContext, batch: TakenBatch): Promise<Found | null> => {
  for (const prefix of await prefixesOf(catalog, batch)) {
    const listing = await listSession(recordings, prefix)
    if (listing.firstSeqs.length > 0) return { prefix, listing }
  }
  return null
}

/** The last footer that can be read. A block that cannot is reported; its batches count as missing. */
const lastFooter = async (ctx: RecorderContext, batch: TakenBatch, { prefix, listing }: Found) => {
  for (const firstSeq of listing.firstSeqs.toReversed()) {
    const key = blockKeyOf(prefix, firstSeq)
    try {
      return { key, info: await readFooter(ctx.recordings, key, listing.sizes.get(firstSeq)!) }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      const detail = `${key}: ${(error as Error).message}`
      await report(ctx, batch.decoded, { status: 'tampered', what: 'corrupt', seq: firstSeq, detail })
    }
  }
  return null
}

/** Whether the last manifest covers all that stands. */
const isCovered = async (ctx: RecorderContext, { prefix, listing }: Found, last: BlockInfo): Promise<boolean> => {
  const number = listing.manifests.at(-1)
  if (number === undefined) return false
  const key = manifestKeyOf(prefix, number)
  try {
    const { blocks, provisional } = decodeManifest(await ctx.recordings.get(key))
    const covered = blocks.length === listing.firstSeqs.length && blocks.at(-1)?.lastSeq === last.lastSeq
    if (!covered || (provisional && last.seals)) return false
    await ctx.catalog.markSealed(last.sessionId, key)
    return true
  } catch (error) {
    if (isUnreadable(error)) return false
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
export const loadSession = async (ctx: RecorderContext, batch: TakenBatch): Promise<OpenSession> => {
  const nowMs = ctx.clock.now()
  const session = createSession(batch, nowMs)
  const found = await find(ctx, batch)
  if (found === null) return session
  const { prefix } = found
  const last = await lastFooter(ctx, batch, found)
  if (last === null) return { ...session, prefix }
  const { key, info } = last
  await ctx.catalog.putBlock(blockRow(key, info))
  const isEnded = info.seals
  const isSealed = isEnded && (await isCovered(ctx, found, info))
  return {
    ...session,
    bastion: info.bastion,
    prefix,
    point: { seq: info.lastSeq, hash: info.chainHash },
    end: isEnded ? { reason: null, atMs: nowMs, headSeen: false } : null,
    sealHold: isEnded && !isSealed ? batch.record.offset : null,
  }
}
