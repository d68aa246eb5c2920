import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { createBatchWorker } from '../batch-worker.ts'
import { type Ordering, passBatch, settle, type TakenBatch } from '../ordering.ts'
import type { ScreenContext } from './context.ts'
import type { Shown } from './live-screen.ts'
import { addShown, ownerOf, type ScreenSession, takeBack } from './screen-session.ts'
import { createScreenTable, type ScreenTable } from './screen-table.ts'

const nothing: Shown = { segments: [], texts: [], refused: 0, broken: 0 }

/** Null for a batch that can never be taken: it counts as missing. */
const shownBy = async (
  { emulation, metrics }: ScreenContext,
  table: ScreenTable,
  session: ScreenSession,
  { batch, record }: TakenBatch,
): Promise<Shown | null> => {
  try {
    const { owner, size } = ownerOf(batch)
    await table.open(session, size)
    session.owner ??= owner
    // Somebody else was further meanwhile: begin again behind that.
    if (batch.batchSeq < session.nextSeq) throw new BartizanError('BTZ_UNAVAILABLE', 'the screen was derived elsewhere')
    return await emulation.take(table.keyOf(session), record.value)
  } catch (error) {
    if (hasCode(error, 'BTZ_SCREEN_UNAVAILABLE')) table.markUnavailable(session, error)
    else if (!hasCode(error, 'BTZ_BATCH_INVALID')) throw error
    else metrics.refused.inc()
    return hasCode(error, 'BTZ_BATCH_INVALID') ? null : nothing
  }
}

/** The next batch of a session. One that cannot be emulated is passed over: the recording itself is not concerned. */
const apply = async (ctx: ScreenContext, table: ScreenTable, session: ScreenSession, taken: TakenBatch) => {
  if (session.unavailable !== null) {
    session.nextSeq = taken.batch.batchSeq + 1
    return
  }
  const shown = await shownBy(ctx, table, session, taken)
  if (session.applied.length === 0) session.appliedSinceMs = ctx.clock.now()
  passBatch(session, taken, shown !== null)
  if (shown === null) return
  addShown(session, shown)
  session.appliedBytes += taken.record.value.byteLength
  session.isEnded ||= taken.batch.end !== undefined
  ctx.metrics.batches.inc()
  ctx.metrics.keyframesRefused.inc(shown.refused)
  ctx.metrics.broken.inc(shown.broken)
  if (table.isDue(session)) await table.writeOne(session)
}

/** Derives the screens of one partition of session-frames: segments, keyframes and texts → views. */
export const createScreenWorker = (
  ctx: ScreenContext,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const table = createScreenTable(ctx)
  const ordering: Ordering<ScreenSession> = {
    ...{ all: table.all, load: table.load, takeBack, limits: ctx.config, nowMs: ctx.clock.now },
    apply: (session, taken) => apply(ctx, table, session, taken),
    onGap: ({ sessionId }, missing) => {
      ctx.metrics.gaps.inc()
      ctx.log.debug({ sessionId, ...missing }, 'batches never came: the screen goes on without them')
    },
  }
  return createBatchWorker(ctx, { ...table, settle: (session) => settle(session, ordering) }, commit)
}
