import type { DecodedBatch } from '#services/recordings/format/frame-batch.ts'
import { liveLimits } from './limits.ts'

export type Ordered = { batch: DecodedBatch; missing: number } // batches that never came before this one

/** Batches of one session in their order, each once: they may come twice, early, or, after a loss, never. */
export const createBatchOrder = (firstSeq: number) => {
  const waiting = new Map<number, DecodedBatch>()
  let nextSeq = firstSeq
  let waitingSinceMs = 0

  const ready = (): Ordered[] => {
    const taken: Ordered[] = []
    for (let batch = waiting.get(nextSeq); batch; batch = waiting.get(nextSeq)) {
      waiting.delete(nextSeq)
      nextSeq += 1
      taken.push({ batch, missing: 0 })
    }
    return taken
  }
  /** Goes on behind what is missing. */
  const skip = (): Ordered[] => {
    const lowest = Math.min(...waiting.keys())
    const missing = lowest - nextSeq
    nextSeq = lowest
    const [first, ...rest] = ready()
    return first ? [{ ...first, missing }, ...rest] : []
  }
  return {
    take: (batch: DecodedBatch, nowMs: number): Ordered[] => {
      if (batch.batchSeq < nextSeq || waiting.has(batch.batchSeq)) return []
      if (waiting.size === 0) waitingSinceMs = nowMs
      waiting.set(batch.batchSeq, batch)
      const taken = ready()
      if (taken.length > 0) waitingSinceMs = nowMs
      return taken.length === 0 && waiting.size > liveLimits.waitingBatches ? skip() : taken
    },
    /** What has waited too long for what is missing. */
    overdue: (nowMs: number): Ordered[] =>
      waiting.size > 0 && nowMs - waitingSinceMs > liveLimits.waitingMs ? skip() : [],
  }
}
