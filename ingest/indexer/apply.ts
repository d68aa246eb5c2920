import { causeOf } from '#services/dead-letters.ts'
import type { IndexerContext } from './context.ts'
import { type Derived, derive } from './derive.ts'
import { findParent } from './find-parent.ts'
import { acceptGap, type IndexedSession, planGap, type TakenBatch, takeBack } from './indexed-session.ts'
import { mayBeNested } from './parent.ts'
import type { SessionTable } from './session-table.ts'

const maxWaitingBytes = 64 * 1024 * 1024

/** Null for a batch that can never be indexed: it is put aside and counts as missing. */
const derived = async (ctx: IndexerContext, session: IndexedSession, taken: TakenBatch): Promise<Derived | null> => {
  try {
    return derive(session.state, taken.batch, session.missing)
  } catch (error) {
    const cause = causeOf(error)
    if (cause === null) throw error
    await ctx.deadLetters.write(taken.record, cause)
    return null
  }
}

/** The next batch of a session. */
const apply = async (ctx: IndexerContext, table: SessionTable, session: IndexedSession, taken: TakenBatch) => {
  const { batch } = taken
  const isFirst = session.state === null
  const result = await derived(ctx, session, taken)
  session.nextSeq = batch.batchSeq + 1
  if (result === null) {
    session.missing = { from: session.missing?.from ?? batch.batchSeq, to: batch.batchSeq }
    return
  }
  session.missing = null
  session.state = result.state
  session.applied.push(taken)
  for (const command of result.commands) session.commands.set(command.number, command)
  ctx.metrics.batches.inc()
  if (!(isFirst || batch.end) || !mayBeNested(result.state)) return
  await table.writeAll(session) // its parent may be among what is not written yet
  await findParent(ctx, result.state)
}

/** Applies what waits, in order. @throws when the catalog does: then what was applied waits again */
export const settle = async (ctx: IndexerContext, table: SessionTable, session: IndexedSession): Promise<void> => {
  if (!session.isLoaded) await table.load(session)
  while (session.waiting.size > 0) {
    const next = session.waiting.get(session.nextSeq)
    if (next) {
      try {
        await apply(ctx, table, session, next)
      } catch (error) {
        takeBack(session)
        throw error
      }
      session.waiting.delete(next.batch.batchSeq)
    } else if (planGap(session, ctx.clock.now(), ctx.config) || table.waitingBytes() > maxWaitingBytes) {
      const missing = acceptGap(session)
      ctx.metrics.gaps.inc()
      ctx.log.warn({ sessionId: session.sessionId, ...missing }, 'batches never came: indexed without them')
    } else return
  }
}
