import { causeOf } from '#services/dead-letters.ts'
import type { IndexerContext } from './context.ts'
import { type Derived, derive } from './derive.ts'
import { findParent } from './find-parent.ts'
import type { IndexedSession } from './indexed-session.ts'
import { passBatch, type TakenBatch } from './ordering.ts'
import { mayBeNested } from './parent.ts'
import type { SessionTable } from './session-table.ts'

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
export const apply = async (ctx: IndexerContext, table: SessionTable, session: IndexedSession, taken: TakenBatch) => {
  const { batch } = taken
  const isFirst = session.state === null
  const result = await derived(ctx, session, taken)
  passBatch(session, taken, result !== null)
  if (result === null) return
  session.state = result.state
  for (const command of result.commands) session.commands.set(command.number, command)
  ctx.metrics.batches.inc()
  if (!(isFirst || batch.end) || !mayBeNested(result.state)) return
  await table.writeAll(session) // its parent may be among what is not written yet
  await findParent(ctx, result.state)
}
