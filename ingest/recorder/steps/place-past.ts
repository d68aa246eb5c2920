import { hasCode } from '#services/errors.ts'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import { blockKeyOf, formatOf } from '#services/recordings/format/evidence-keys.ts'
import type { PartitionContext } from '../context.ts'
import { sessionRetainUntil } from '../retention.ts'
import type { OpenSession, TakenBatch } from '../session.ts'
import { hashesAround, isUnreadable } from '../stored-session.ts'
import { noteEnd, recordedOf } from './append.ts'
import { blockRow } from './block-row.ts'
import { newPrefix } from './load-session.ts'
import { putAsideFork, putAsideUnencryptable } from './put-aside.ts'

/** The hash of the batch that stands in a place. */
type Standing = Uint8Array | 'nothing' | 'unreadable'

const storedAt = async (ctx: PartitionContext, session: OpenSession, seq: number): Promise<Standing> => {
  const { prefix, key } = session
  if (prefix === null || key === null) return 'nothing'
  const known = session.lookup?.hashes[seq - session.lookup.firstSeq]
  if (known) return known
  try {
    session.lookup = await hashesAround(ctx.recordings, prefix, key, seq)
  } catch (error) {
    if (isUnreadable(error)) return 'unreadable'
    throw error
  }
  return session.lookup?.hashes[seq - session.lookup.firstSeq] ?? 'nothing'
}

const standingAt = async (ctx: PartitionContext, session: OpenSession, seq: number): Promise<Standing> =>
  session.block?.hashes[seq - session.block.firstSeq] ?? storedAt(ctx, session, seq)

/** A batch whose gap was named already: a block of its own closes it again. */
const storeLate = async (ctx: PartitionContext, session: OpenSession, batch: TakenBatch): Promise<void> => {
  const { sessionId, bastion } = session
  session.prefix ??= newPrefix(batch)
  session.recorded ??= recordedOf(batch.decoded)
  noteEnd(session, batch, ctx.clock.now())
  const format = formatOf(session.prefix)
  const builder = createBlockBuilder({ sessionId, bastion, sessionKey: session.key!, gap: null, format })
  builder.append(batch)
  const { bytes, info } = builder.finish(session.end !== null)
  const key = blockKeyOf(session.prefix, info.firstSeq)
  await ctx.recordings.put(key, bytes, { retainUntil: sessionRetainUntil(ctx, session.recorded) })
  ctx.rows.add(batch.record.offset, () => ctx.catalog.putBlock(blockRow(key, info)))
  session.lookup = null
  ctx.metrics.blocks.inc({ why: 'late' })
}

/** A batch whose place is behind the chain's point: the same again, a late one, or another than stands there. */
export const placePast = async (ctx: PartitionContext, session: OpenSession, batch: TakenBatch): Promise<void> => {
  try {
    // Asked for each time: one that is erased may have another key here, of what came late.
    const key = await ctx.keys.obtain(`session:${session.sessionId}`)
    session.key ??= key
  } catch (error) {
    // Erased: there is nothing to compare with, and nothing may be written.
    if (hasCode(error, 'BTZ_KEY_DESTROYED')) return ctx.metrics.erased.inc()
    if (hasCode(error, 'BTZ_KEY_INVALID')) return putAsideUnencryptable(ctx, session, batch)
    throw error
  }
  const standing = await standingAt(ctx, session, batch.decoded.batchSeq)
  if (standing === 'nothing') return storeLate(ctx, session, batch)
  if (standing === 'unreadable') return putAsideFork(ctx, session, batch, null)
  if (!sameBytes(standing, batch.hash)) return putAsideFork(ctx, session, batch, standing)
  // A late end that is delivered again after a crash must still lead to the seal.
  if (batch.decoded.end && session.end === null) noteEnd(session, batch, ctx.clock.now())
  ctx.metrics.duplicates.inc()
}
