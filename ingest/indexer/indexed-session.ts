import type { BusRecord } from '#services/bus/bus.ts'
import type { DecodedBatch } from '#services/recordings/format/frame-batch.ts'
import type { SessionState as StateName } from '#services/schema/session.ts'
import type { NumberedCommand } from './commands.ts'
import type { Missing } from './derive.ts'
import type { SessionState } from './session-state.ts'

export type TakenBatch = { batch: DecodedBatch; record: BusRecord; sinceMs: number }

/** A session between two writes to the catalog. */
export type IndexedSession = {
  readonly sessionId: string
  isLoaded: boolean // nextSeq and state are those of the catalog, plus what was applied
  nextSeq: number
  state: SessionState | null // null: no batch of it was ever indexed
  stands: StateName | null // in the catalog's ledger; null: not there
  waiting: Map<number, TakenBatch> // not applied: batches before them are missing
  applied: TakenBatch[] // in `state`, not yet in the catalog
  commands: Map<number, NumberedCommand> // changed since the last write
  missing: Missing | null // before the next batch
  touchedAtMs: number
}

export const newIndexedSession = (sessionId: string): IndexedSession => ({
  sessionId,
  isLoaded: false,
  nextSeq: 0,
  state: null,
  stands: null,
  waiting: new Map(),
  applied: [],
  commands: new Map(),
  missing: null,
  touchedAtMs: 0,
})

/** What was applied could not be written: it waits, to be applied again to what the catalog has. */
export const takeBack = (session: IndexedSession): void => {
  for (const taken of session.applied) session.waiting.set(taken.batch.batchSeq, taken)
  Object.assign(session, { isLoaded: false, state: null, stands: null, applied: [], missing: null })
  session.commands.clear()
}

/** Up to where a partition may be committed. */
export const planCommit = (sessions: Iterable<IndexedSession>, nextOffset: number): number => {
  let lowest = nextOffset
  for (const { waiting, applied } of sessions) {
    for (const { record } of [...waiting.values(), ...applied]) lowest = Math.min(lowest, record.offset)
  }
  return lowest
}

export type ReorderLimits = { reorderBatches: number; reorderMs: number }

/** Whether what waits has waited long enough. A clock that went back must not stretch the wait: then it is over. */
export const planGap = ({ waiting }: IndexedSession, nowMs: number, limits: ReorderLimits): boolean => {
  if (waiting.size === 0) return false
  if (waiting.size >= limits.reorderBatches) return true
  return [...waiting.values()].some(({ sinceMs }) => nowMs < sinceMs || nowMs - sinceMs >= limits.reorderMs)
}

/** Goes on without the batches before the first that waits. */
export const acceptGap = (session: IndexedSession): Missing => {
  const to = Math.min(...session.waiting.keys())
  session.missing = { from: session.missing?.from ?? session.nextSeq, to: to - 1 }
  session.nextSeq = to
  return session.missing
}

export const waitingBytes = (sessions: Iterable<IndexedSession>): number => {
  let sum = 0
  for (const { waiting } of sessions) for (const { record } of waiting.values()) sum += record.value.byteLength
  return sum
}
