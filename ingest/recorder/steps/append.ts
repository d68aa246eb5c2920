import { randomBytes } from 'node:crypto'
import type { Recorded } from '#services/custody/retention-rules.ts'
import { hasCode } from '#services/errors.ts'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { endReasonOf } from '#services/recordings/format/end-reason.ts'
import { formatOf } from '#services/recordings/format/evidence-keys.ts'
import type { BatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { RecorderContext } from '../context.ts'
import type { OpenBlock, OpenSession, TakenBatch } from '../session.ts'
import { newPrefix } from './load-session.ts'

/**
 * What comes late of an erased session is stored for its footer: that it was there, and how it continues the chain. Its
 * content is encrypted with a key that nobody has, not even we, as soon as this session is forgotten here.
 */
const keyFor = async ({ keys, metrics, log }: RecorderContext, sessionId: string): Promise<Uint8Array> => {
  try {
    return await keys.obtain(`session:${sessionId}`)
  } catch (error) {
    if (!hasCode(error, 'BTZ_KEY_DESTROYED')) throw error
    metrics.erased.inc()
    log.info({ sessionId }, 'batches of an erased session came late: they are stored so that nobody can read them')
    return randomBytes(32)
  }
}

const openBlock = async (ctx: RecorderContext, session: OpenSession, batch: TakenBatch): Promise<OpenBlock> => {
  const { sessionId, bastion, gap } = session
  session.key ??= await keyFor(ctx, sessionId)
  session.prefix ??= newPrefix(batch)
  session.gap = null
  return {
    builder: createBlockBuilder({
      sessionId,
      bastion,
      sessionKey: session.key,
      gap,
      format: formatOf(session.prefix),
    }),
    firstSeq: batch.decoded.batchSeq,
    hashes: [],
    openedAtMs: ctx.clock.now(),
    firstOffset: batch.record.offset,
    finished: null,
  }
}

/** Whose session it is, for how long it is kept; null where the batch does not say. */
export const recordedOf = ({ start, bastion }: Pick<BatchHeader, 'start' | 'bastion'>): Recorded | null =>
  start ? { user: start.user, bastion, target: start.target || null } : null

/** From the end on nothing is committed until the manifest stands; what comes after a manifest calls for another. */
export const noteEnd = (session: OpenSession, { decoded, record }: TakenBatch, nowMs: number): void => {
  const reason = decoded.end ? endReasonOf(decoded.end.reason) : (session.end?.reason ?? null)
  if (!decoded.end && session.end === null) return
  const isNews = decoded.end !== undefined || session.sealHold === null
  const atMs = isNews || session.end === null ? nowMs : session.end.atMs
  const headSeen = !decoded.end && decoded.head !== undefined && decoded.frameCount === 0
  session.end = { reason, atMs, headSeen: headSeen || (session.end?.headSeen === true && !isNews) }
  session.sealHold ??= record.offset
}

/**
 * Puts a batch that continues the chain into the open block.
 * `key_damaged`: it can never be encrypted.
 */
export const append = async (
  ctx: RecorderContext,
  session: OpenSession,
  batch: TakenBatch,
): Promise<'appended' | 'key_damaged'> => {
  try {
    session.block ??= await openBlock(ctx, session, batch)
  } catch (error) {
    if (hasCode(error, 'BTZ_KEY_INVALID')) return 'key_damaged'
    throw error
  }
  session.recorded ??= recordedOf(batch.decoded)
  const { block } = session
  block.builder.append(batch)
  block.hashes.push(batch.hash)
  block.firstOffset = Math.min(block.firstOffset, batch.record.offset)
  session.point = { seq: batch.decoded.batchSeq, hash: batch.hash }
  noteEnd(session, batch, ctx.clock.now())
  ctx.metrics.batches.inc()
  ctx.metrics.bytes.inc(batch.finished.byteLength)
  return 'appended'
}
