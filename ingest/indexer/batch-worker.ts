import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import { causeOf, type DeadLetters } from '#services/dead-letters.ts'
import { type DecodedBatch, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { IndexerContext } from './context.ts'
import { type OrderedSession, planCommit, type TakenBatch } from './ordering.ts'
import { takeEach } from './run.ts'

export type BatchContext = Pick<IndexerContext, 'clock' | 'gate' | 'erased'> & {
  deadLetters: DeadLetters
  metrics: { duplicates: { inc(): void } }
}

/** What is derived of the sessions of one partition, and where it goes. */
export type Derivation<Session extends OrderedSession> = {
  all(): Session[]
  get(sessionId: string): Session
  /** Applies what waits, in order. */
  settle(session: Session): Promise<void>
  /** Writes what it is time to write. `now`: all of it. */
  write(now: boolean): Promise<void>
  forgetIdle(): void | Promise<void>
  forgetAll(): void
}

/** Null for what is no batch: it was put aside. */
const decode = async ({ deadLetters }: BatchContext, record: BusRecord): Promise<DecodedBatch | null> => {
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

/** Takes one partition of session-frames: decode → order → derive → write → commit. */
export const createBatchWorker = <Session extends OrderedSession>(
  ctx: BatchContext,
  of: Derivation<Session>,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const { clock, metrics } = ctx
  const exclusively = createSerial()
  let nextOffset = 0
  let committed = 0
  let isDropped = false

  /** Null where nothing is to be done: put aside, or there already. From here on the record is held, or done. */
  const hold = async (record: BusRecord): Promise<Session | null> => {
    const batch = await decode(ctx, record)
    if (batch === null || !(await ctx.gate.admits(record, batch.bastion))) return null
    if ((await ctx.erased.ids()).has(batch.sessionId)) return null
    const session = of.get(batch.sessionId)
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
    await of.settle(session)
    for (const [seq, taken] of session.waiting) if (taken.record === record) session.waiting.set(seq, detached(taken))
  }

  const settleAll = async (): Promise<void> => {
    for (const session of of.all()) {
      if (session.waiting.size > 0 && !isDropped) await of.settle(session)
    }
  }
  const takeRun = async (records: BusRecord[], control: ConsumeControl): Promise<void> => {
    await settleAll() // what an earlier try could not write
    await takeEach(records, control, clock, async (record) => {
      // A run that failed comes again: what was taken of it before is held here.
      if (!isDropped && record.offset >= nextOffset) await take(record)
    })
    if (!isDropped) await of.write(false)
  }
  const commitDone = async (): Promise<void> => {
    const upTo = planCommit(of.all(), nextOffset)
    if (isDropped || upTo <= committed) return
    await commit(upTo)
    committed = upTo
  }
  const tick = async (now: boolean): Promise<void> => {
    if (isDropped) return
    try {
      await settleAll()
      await of.write(now)
      await of.forgetIdle()
    } finally {
      await commitDone()
    }
  }

  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick: () => exclusively(() => tick(false)),
    drain: () => exclusively(() => tick(true)),
    drop: () => {
      isDropped = true
      of.forgetAll()
    },
  }
}
