import type { Bus, BusRecord, NewRecord } from '#services/bus/bus.ts'
import type { DeadLetterCause } from '#services/dead-letters.ts'
import { deadLetterOf } from '#services/dead-letters.ts'
import { hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { Notice } from '#services/sinks/notice.ts'

export type PutAside = {
  record(record: BusRecord, cause: DeadLetterCause): Promise<void>
  notice(notice: Notice, reason: string): Promise<void>
}

/** A record near the limit of the bus does not fit together with the reason: then it stays where it is, and evidence has it. */
const withoutValue = (letter: NewRecord): NewRecord => ({
  ...letter,
  value: new Uint8Array(),
  headers: { ...letter.headers, omittedBytes: String(letter.value.byteLength) },
})

/** Dead letters of one destination; `where` is its group. */
export const createPutAside = (options: {
  bus: Pick<Bus, 'produce'>
  where: string
  log: Logger
  counted: () => void
}): PutAside => {
  const { bus, where, log, counted } = options
  const write = async (letter: NewRecord): Promise<void> => {
    await bus.produce([letter]).catch(async (error: unknown) => {
      if (!hasCode(error, 'BTZ_BUS_RECORD_TOO_LARGE')) throw error
      await bus.produce([withoutValue(letter)])
    })
    counted()
    const { reason, code, topic, partition, offset } = letter.headers ?? {}
    log.error({ where, code, reason, topic, partition, offset }, 'put aside as a dead letter')
  }
  return {
    record: (record, cause) => write(deadLetterOf(record, where, cause)),
    notice: (notice, reason) =>
      write({
        topic: 'dead-letters',
        key: 'alerts',
        value: Buffer.from(JSON.stringify(notice)),
        headers: { where, code: 'BTZ_SINK_REFUSED', reason: reason.slice(0, 1_000), topic: 'alerts', key: notice.id },
      }),
  }
}
