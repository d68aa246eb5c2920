import type { BusRecord } from '#services/bus/bus.ts'
import type { DecodedBatch } from '#services/recordings/format/frame-batch.ts'

/** The batches of a session in the order of their numbers, whatever is derived of them. */

export type TakenBatch = { batch: DecodedBatch; record: BusRecord; sinceMs: number }
/** Batches that never came. */
export type Missing = { from: number; to: number }

export type OrderedSession = {
  readonly sessionId: string
  isLoaded: boolean // nextSeq and what is derived are those of the store, plus what was applied
  nextSeq: number
  waiting: Map<number, TakenBatch> // not applied: batches before them are missing
  applied: TakenBatch[] // derived, not yet in the store
  missing: Missing | null // before the next batch
  touchedAtMs: number
}

export const newOrderedSession = (sessionId: string): OrderedSession => ({
  sessionId,
  isLoaded: false,
  nextSeq: 0,
  waiting: new Map(),
  applied: [],
  missing: null,
  touchedAtMs: 0,
})

/** The session as the one that was touched last: the first of the table were touched longest ago. */
export const touched = <Session extends OrderedSession>(
  table: Map<string, Session>,
  session: Session,
  nowMs: number,
): Session => {
  session.touchedAtMs = nowMs
  table.delete(session.sessionId)
  table.set(session.sessionId, session)
  return session
}

/** What was applied could not be written: it waits, to be applied again to what the store has. */
export const waitAgain = (session: OrderedSession): void => {
  for (const taken of session.applied) session.waiting.set(taken.batch.batchSeq, taken)
  Object.assign(session, { isLoaded: false, applied: [], missing: null })
}

/** The store has all before `nextSeq`. */
export const startFrom = (session: OrderedSession, nextSeq: number): void => {
  session.nextSeq = nextSeq
  session.isLoaded = true
  for (const seq of session.waiting.keys()) if (seq < nextSeq) session.waiting.delete(seq)
}

export const isAtRest = ({ waiting, applied }: OrderedSession): boolean => waiting.size === 0 && applied.length === 0

/** Up to where a partition may be committed. */
export const planCommit = (sessions: Iterable<OrderedSession>, nextOffset: number): number => {
  let lowest = nextOffset
  for (const { waiting, applied } of sessions) {
    for (const { record } of [...waiting.values(), ...applied]) lowest = Math.min(lowest, record.offset)
  }
  return lowest
}

export type ReorderLimits = { reorderBatches: number; reorderMs: number }

/** Whether what waits has waited long enough. A clock that went back must not stretch the wait: then it is over. */
const planGap = ({ waiting }: OrderedSession, nowMs: number, limits: ReorderLimits): boolean => {
  if (waiting.size === 0) return false
  if (waiting.size >= limits.reorderBatches) return true
  return [...waiting.values()].some(({ sinceMs }) => nowMs < sinceMs || nowMs - sinceMs >= limits.reorderMs)
}

/** Goes on without the batches before the first that waits. */
const acceptGap = (session: OrderedSession): Missing => {
  const to = Math.min(...session.waiting.keys())
  session.missing = { from: session.missing?.from ?? session.nextSeq, to: to - 1 }
  session.nextSeq = to
  return session.missing
}

/** The batch was applied; or it can never be, and counts as missing. */
export const passBatch = (session: OrderedSession, taken: TakenBatch, isApplied: boolean): void => {
  const { batchSeq } = taken.batch
  session.nextSeq = batchSeq + 1
  session.missing = isApplied ? null : { from: session.missing?.from ?? batchSeq, to: batchSeq }
  if (isApplied) session.applied.push(taken)
}

const maxWaitingBytes = 64 * 1024 * 1024

const waitingBytes = (sessions: Iterable<OrderedSession>): number => {
  let sum = 0
  for (const { waiting } of sessions) for (const { record } of waiting.values()) sum += record.value.byteLength
  return sum
}

export type Ordering<Session extends OrderedSession> = {
  all(): Session[]
  load(session: Session): Promise<void>
  /** Passes the batch. */
  apply(session: Session, taken: TakenBatch): Promise<void>
  /** As waitAgain, and forgets what was derived. */
  takeBack(session: Session): void
  limits: ReorderLimits
  nowMs(): number
  onGap(session: Session, missing: Missing): void
}

/** Applies what waits, in order. @throws what applying does: then what was applied waits again */
export const settle = async <Session extends OrderedSession>(
  session: Session,
  of: Ordering<Session>,
): Promise<void> => {
  if (!session.isLoaded) await of.load(session)
  while (session.waiting.size > 0) {
    const next = session.waiting.get(session.nextSeq)
    if (next) {
      try {
        await of.apply(session, next)
      } catch (error) {
        of.takeBack(session)
        throw error
      }
      session.waiting.delete(next.batch.batchSeq)
    } else if (planGap(session, of.nowMs(), of.limits) || waitingBytes(of.all()) > maxWaitingBytes)
      of.onGap(session, acceptGap(session))
    else return
  }
}
