import { checkChain } from '#services/recordings/format/chain.ts'
import type { OpenSession, TakenBatch, WaitingBatch } from '../session.ts'

/**
 * What to do with a batch of a session.
 * `append`: it continues the chain. `wait`: batches before it are missing. `past`: its place is behind, look what
 * stands there. `chain`: it is next by number, but names another predecessor.
 */
export const planOrder = ({ point }: OpenSession, batch: TakenBatch): 'append' | 'wait' | 'past' | 'chain' => {
  const { batchSeq: seq, prevHash } = batch.decoded
  const found = checkChain(point, { seq, prevHash, hash: batch.hash })
  if (found === 'ok') return 'append'
  if (found === 'gap') return 'wait'
  return point !== null && seq > point.seq ? 'chain' : 'past'
}

const clockJitterMs = 1_000

/** A wall clock that was set back must not stretch a wait: then the time is up. */
export const elapsedMs = (nowMs: number, sinceMs: number): number =>
  nowMs >= sinceMs - clockJitterMs ? Math.max(0, nowMs - sinceMs) : Number.POSITIVE_INFINITY

export const lowestWaiting = (session: OpenSession): WaitingBatch | null => {
  const seqs = [...session.waiting.keys()]
  return seqs.length === 0 ? null : session.waiting.get(Math.min(...seqs))!
}

/** Whether what waits has waited long enough for what is missing. */
export const planGap = (
  session: OpenSession,
  nowMs: number,
  limits: { reorderBatches: number; reorderMs: number },
): boolean => {
  if (session.waiting.size === 0) return false
  if (session.waiting.size >= limits.reorderBatches) return true
  return [...session.waiting.values()].some(({ sinceMs }) => elapsedMs(nowMs, sinceMs) >= limits.reorderMs)
}
