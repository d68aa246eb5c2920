import type { Bus, BusRecord, NewRecord } from './bus/bus.ts'
import { BartizanError, type ErrorCode } from './errors.ts'
import type { Logger } from './log.ts'

/** Why a record can never be processed. `reason` is for a person and holds nothing of the record's content. */
export type DeadLetterCause = { code: ErrorCode; reason: string }

/** Cause of an error of ours; null for anything else: a failure that a retry may mend is no dead letter. */
export const causeOf = (error: unknown): DeadLetterCause | null =>
  error instanceof BartizanError ? { code: error.code, reason: error.message } : null

/** The value is the raw record; where it came from and why it is here stand in the headers. */
export const deadLetterOf = (record: BusRecord, where: string, { code, reason }: DeadLetterCause): NewRecord => ({
  topic: 'dead-letters',
  key: record.topic,
  value: record.value,
  headers: {
    where,
    code,
    reason: reason.slice(0, 1000),
    topic: record.topic,
    partition: String(record.partition),
    offset: String(record.offset),
    key: record.key,
    timestampMs: String(record.timestampMs),
    recordHeaders: JSON.stringify(record.headers),
  },
})

/**
 * Puts records that can never be processed aside, so that the partition goes on. Durable when resolved: only then may
 * the record's offset be committed. `where`: the consumer group.
 */
export const createDeadLetters = ({ bus, where, log }: { bus: Pick<Bus, 'produce'>; where: string; log: Logger }) => ({
  write: async (record: BusRecord, cause: DeadLetterCause): Promise<void> => {
    await bus.produce([deadLetterOf(record, where, cause)])
    const { topic, partition, offset } = record
    log.error({ topic, partition, offset, ...cause }, 'record put aside as a dead letter')
  },
})
export type DeadLetters = ReturnType<typeof createDeadLetters>

/** The same, counted once written. */
export const createCountedDeadLetters = (
  options: Parameters<typeof createDeadLetters>[0],
  counter: { inc(): void },
): DeadLetters => {
  const { write } = createDeadLetters(options)
  return {
    write: async (record, cause) => {
      await write(record, cause)
      counter.inc()
    },
  }
}
