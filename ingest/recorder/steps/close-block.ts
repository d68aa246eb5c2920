import { hash } from 'node:crypto'
import { hasCode } from '#services/errors.ts'
import { readStoredBatches } from '#services/recordings/format/block.ts'
import type { FinishedBlock } from '#services/recordings/format/block-builder.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import { blockKeyOf } from '#services/recordings/format/evidence-keys.ts'
import type { PartitionContext, RecorderContext } from '../context.ts'
import { sessionRetainUntil } from '../retention.ts'
import type { OpenSession, TakenBatch } from '../session.ts'
import { blockRow } from './block-row.ts'

/** Write once. `taken`: something else stands under this key. */
const putOnce = async (ctx: RecorderContext, key: string, { bytes, sha256 }: FinishedBlock, retainUntil: Date) => {
  try {
    await ctx.recordings.put(key, bytes, { retainUntil })
    return 'stored'
  } catch (error) {
    if (!hasCode(error, 'BTZ_RECORDING_EXISTS')) throw error
    // The salt is random: equal bytes can only be our own put, whose answer was lost.
    const present = await ctx.recordings.get(key)
    return sameBytes(hash('sha256', present, 'buffer'), sha256) ? 'stored' : 'taken'
  }
}

/** The batches of a block that could not be stored, to be placed again. */
const takenBack = (session: OpenSession, finished: FinishedBlock, offset: number): TakenBatch[] =>
  Array.from(readStoredBatches(finished.bytes, session.key!), (stored) => ({
    ...stored,
    record: {
      topic: 'session-frames',
      partition: -1,
      offset,
      key: session.sessionId,
      value: stored.finished,
      headers: {},
      timestampMs: 0,
    },
  }))

/**
 * Block durable, then its row, behind it: a crash is harmless, since the offset is committed after both.
 * `taken`: the key was written by someone else; the batches are in the backlog.
 */
export const closeBlock = async (
  ctx: PartitionContext,
  session: OpenSession,
  why: string,
): Promise<'stored' | 'taken' | 'none'> => {
  const { block, prefix } = session
  if (block === null || prefix === null) return 'none'
  block.finished ??= block.builder.finish(session.end !== null)
  const { info } = block.finished
  const key = blockKeyOf(prefix, info.firstSeq)
  const outcome = await putOnce(ctx, key, block.finished, sessionRetainUntil(ctx, session.recorded))
  if (outcome === 'stored') {
    ctx.rows.add(block.firstOffset, () => ctx.catalog.putBlock(blockRow(key, info)))
    ctx.metrics.blocks.inc({ why })
  } else {
    session.backlog.unshift(...takenBack(session, block.finished, block.firstOffset))
    session.refusedSeq = info.firstSeq
  }
  session.block = null
  return outcome
}
