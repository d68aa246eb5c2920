import type { BusRecord } from '#services/bus/bus.ts'
import { causeOf, type DeadLetterCause } from '#services/dead-letters.ts'
import { batchHash, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { TakenBatch } from '../session.ts'

export type Decoded = { outcome: 'batch'; batch: TakenBatch } | { outcome: 'poison'; cause: DeadLetterCause }

/** A record of session-frames as a batch, or why it can never be one. */
export const decode = (record: BusRecord): Decoded => {
  try {
    const decoded = decodeBatchHeader(record.value)
    const batch = { finished: record.value, decoded, hash: batchHash(record.value), record }
    if (record.key === decoded.sessionId) return { outcome: 'batch', batch }
    return {
      outcome: 'poison',
      cause: { code: 'BTZ_BATCH_INVALID', reason: 'the key is not the session of the batch' },
    }
  } catch (error) {
    const cause = causeOf(error)
    if (cause === null) throw error
    return { outcome: 'poison', cause }
  }
}

/** A copy that does not keep the bus's read buffer alive, for a batch that has to wait. */
export const detached = (batch: TakenBatch): TakenBatch => {
  const finished = Uint8Array.from(batch.finished)
  return { ...batch, finished, decoded: decodeBatchHeader(finished), record: { ...batch.record, value: finished } }
}
