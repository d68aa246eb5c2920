import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { PartitionContext, RecorderContext } from './context.ts'
import { createRowQueue } from './row-queue.ts'
import { heldBytes, isForgettable, type OpenSession, planCommit, type TakenBatch } from './session.ts'
import { closeBlock } from './steps/close-block.ts'
import { decode } from './steps/decode.ts'
import { loadSession } from './steps/load-session.ts'
import { acceptGap, placeAll } from './steps/place.ts'
import { isIdle, planClose } from './steps/plan-close.ts'
import { planGap } from './steps/plan-order.ts'
import { seal } from './steps/seal.ts'

const parallelCloses = 8
const heartbeatMs = 2_000
const commitEveryMs = 100

export type FrameWorker = PartitionWorker & {
  /** Makes room: stores what this session holds. */
  relieve(sessionId: string): Promise<void>
  held(): { session: OpenSession; sizeBytes: number }[]
}

/** Records one partition of session-frames: batch by batch into blocks, each session to its manifest. */
export const createFrameWorker = (
  shared: RecorderContext,
  commit: (nextOffset: number) => Promise<void>,
): FrameWorker => {
  const { clock, config, catalog } = shared
  const rows = createRowQueue(shared.log)
  const ctx: PartitionContext = { ...shared, rows }
  const sessions = new Map<string, OpenSession>()
  const exclusively = createSerial()
  let nextOffset = 0 // of the first record that is neither done nor held
  let committed = 0
  let commitLookMs = 0
  let isDropped = false

  const sessionOf = async (batch: TakenBatch): Promise<OpenSession> => {
    const { sessionId } = batch.decoded
    const session = sessions.get(sessionId) ?? (await loadSession(ctx, batch))
    sessions.set(sessionId, session)
    session.touchedAtMs = clock.now()
    return session
  }

  /** Block durable, manifest durable: only then is the session's hold on the offset given up. */
  const sealSession = async (session: OpenSession): Promise<void> => {
    if ((await closeBlock(ctx, session, 'seal')) === 'taken') return placeAll(ctx, session)
    const { prefix, sessionId, sealHold } = session
    const manifestKey = prefix === null ? null : await seal(ctx, { ...session, prefix }, false)
    if (manifestKey !== null) rows.add(sealHold ?? Infinity, () => catalog.markSealed(sessionId, manifestKey))
    session.sealHold = null
  }
  const settle = async (session: OpenSession, isDraining = false): Promise<void> => {
    if (session.backlog.length > 0) await placeAll(ctx, session)
    if (planGap(session, clock.now(), config)) await acceptGap(ctx, session)
    const why = planClose(session, clock.now(), isDraining ? 0 : config.blockMaxMs)
    if (why === 'seal' || (isDraining && session.sealHold !== null)) await sealSession(session)
    else if (why !== null && (await closeBlock(ctx, session, why)) === 'taken') await placeAll(ctx, session)
  }

  /** Decode → order → append to the open block. A full block is closed on the way, a finished session sealed. */
  const take = async (record: BusRecord): Promise<void> => {
    const found = decode(record)
    if (found.outcome === 'poison') await ctx.deadLetters.write(record, found.cause)
    else if (await ctx.gate.admits(record, found.batch.decoded.bastion)) {
      const session = await sessionOf(found.batch)
      session.backlog.push(found.batch)
      nextOffset = record.offset + 1
      await settle(session)
    }
    nextOffset = record.offset + 1
  }
  const commitDone = async (): Promise<void> => {
    commitLookMs = clock.now()
    const upTo = Math.min(planCommit(sessions.values(), nextOffset), rows.lowestHold())
    if (isDropped || upTo <= committed) return
    await commit(upTo)
    committed = upTo
  }
  const takeRun = async (records: BusRecord[], { heartbeat, signal }: ConsumeControl): Promise<void> => {
    let beatMs = clock.now()
    for (const record of records) {
      if (isDropped || signal.aborted) return
      // A run that failed comes again: what was taken of it before is held here.
      if (record.offset >= nextOffset) await take(record)
      if (Math.abs(clock.now() - beatMs) < heartbeatMs) continue
      await heartbeat()
      beatMs = clock.now()
    }
    if (Math.abs(clock.now() - commitLookMs) >= commitEveryMs) await commitDone()
  }

  /** One session that cannot be stored now must not keep the others from it. */
  const settleAll = async (isDraining: boolean): Promise<void> => {
    const all = [...sessions.values()]
    const failures: unknown[] = []
    for (let first = 0; first < all.length; first += parallelCloses) {
      const some = isDropped ? [] : all.slice(first, first + parallelCloses)
      const done = await Promise.allSettled(some.map((session) => settle(session, isDraining)))
      for (const one of done) if (one.status === 'rejected') failures.push(one.reason)
    }
    for (const session of all)
      if (isForgettable(session) && isIdle(session, clock.now())) sessions.delete(session.sessionId)
    if (failures.length > 0) throw failures[0]
  }
  const relieve = async (sessionId: string): Promise<void> => {
    const session = sessions.get(sessionId)
    if (!session) return
    await placeAll(ctx, session)
    if (session.block === null) await acceptGap(ctx, session)
    else if ((await closeBlock(ctx, session, 'memory')) === 'taken') await placeAll(ctx, session)
  }

  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick: () => {
      rows.retry()
      return exclusively(() => settleAll(false).finally(commitDone))
    },
    drain: () =>
      exclusively(() =>
        settleAll(true)
          .finally(() => rows.flush())
          .finally(commitDone),
      ),
    relieve: (sessionId) => exclusively(() => relieve(sessionId)),
    drop: () => {
      isDropped = true
      rows.drop()
      sessions.clear()
    },
    held: () => [...sessions.values()].map((session) => ({ session, sizeBytes: heldBytes(session) })),
  }
}
