import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import { causeOf } from '#services/dead-letters.ts'
import { type DecodedBatch, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { settle } from './apply.ts'
import type { IndexerContext } from './context.ts'
import type { IndexedSession, TakenBatch } from './indexed-session.ts'
import { takeEach } from './run.ts'
import { createSessionTable } from './session-table.ts'

/** Null for what is no batch: it was put aside. */
const decode = async ({ deadLetters }: IndexerContext, record: BusRecord): Promise<DecodedBatch | null> => {
  try {
    return decodeBatchHeader(record.value)
  } catch (error) {
    const cause = causeOf(error)
    if (cause === null) throw error
    await deadLetters.write(record, cause)
    return null
  }
}

// The value is part of a larger read buffer, which a batch that has to wait must not keep alive.
const detached = (taken: TakenBatch): TakenBatch => {
  const value = Uint8Array.from(taken.record.value)
  return { ...taken, batch: decodeBatchHeader(value), record: { ...taken.record, value } }
}

/** Indexes one partition of session-frames: decode → order → derive → catalog → commit. */
export const createFrameWorker = (
  ctx: IndexerContext,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const { clock, metrics } = ctx
  const table = createSessionTable(ctx)
  const exclusively = createSerial()
  let nextOffset = 0
  let committed = 0
  let isDropped = false

  /** Null where nothing is to be done: put aside, or there already. From here on the record is held, or done. */
  const hold = async (record: BusRecord): Promise<IndexedSession | null> => {
    const batch = await decode(ctx, record)
    if (batch === null || !(await ctx.gate.admits(record, batch.bastion))) return null
    if ((await ctx.erased.ids()).has(batch.sessionId)) return null
    const session = table.get(batch.sessionId)
    if ((session.isLoaded && batch.batchSeq < session.nextSeq) || session.waiting.has(batch.batchSeq)) {
      metrics.duplicates.inc()
      return null
    }
    session.waiting.set(batch.batchSeq, { batch, record, sinceMs: clock.now() })
    return session
  }
  const take = async (record: BusRecord): Promise<void> => {
    const session = await hold(record)
    nextOffset = record.offset + 1
    if (session === null) return
    await settle(ctx, table, session)
    for (const [seq, taken] of session.waiting) if (taken.record === record) session.waiting.set(seq, detached(taken))
  }

  const settleAll = async (): Promise<void> => {
    for (const session of table.all()) {
      if (session.waiting.size > 0 && !isDropped) await settle(ctx, table, session)
    }
  }
  const takeRun = async (records: BusRecord[], control: ConsumeControl): Promise<void> => {
    await settleAll() // what an earlier try could not write
    await takeEach(records, control, clock, async (record) => {
      // A run that failed comes again: what was taken of it before is held here.
      if (!isDropped && record.offset >= nextOffset) await take(record)
    })
    if (!isDropped) await table.writeAll()
  }
  const commitDone = async (): Promise<void> => {
    const upTo = table.planCommit(nextOffset)
    if (isDropped || upTo <= committed) return
    await commit(upTo)
    committed = upTo
  }
  const tick = async (): Promise<void> => {
    if (isDropped) return
    try {
      await settleAll()
      await table.writeAll()
      table.forgetIdle()
    } finally {
      await commitDone()
    }
  }

  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick: () => exclusively(tick),
    drain: () => exclusively(tick),
    drop: () => {
      isDropped = true
      table.forgetAll()
    },
  }
}
