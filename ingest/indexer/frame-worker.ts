import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { apply } from './apply.ts'
import { createBatchWorker } from './batch-worker.ts'
import type { IndexerContext } from './context.ts'
import { type IndexedSession, takeBack } from './indexed-session.ts'
import { type Ordering, settle } from './ordering.ts'
import { createSessionTable } from './session-table.ts'

/** Indexes one partition of session-frames: rows and commands of sessions → catalog. */
export const createFrameWorker = (
  ctx: IndexerContext,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const table = createSessionTable(ctx)
  const ordering: Ordering<IndexedSession> = {
    ...{ all: table.all, load: table.load, takeBack, limits: ctx.config, nowMs: ctx.clock.now },
    apply: (session, taken) => apply(ctx, table, session, taken),
    onGap: ({ sessionId }, missing) => {
      ctx.metrics.gaps.inc()
      ctx.log.warn({ sessionId, ...missing }, 'batches never came: indexed without them')
    },
  }
  return createBatchWorker(
    ctx,
    { ...table, settle: (session) => settle(session, ordering), write: () => table.writeAll() },
    commit,
  )
}
