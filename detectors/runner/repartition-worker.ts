import type { BusRecord, NewRecord, TopicPartition } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { receivedEvent } from '#services/origin/received-event.ts'
import { decodeEvent } from '#services/schema/decode-event.ts'
import { observe, subjectsOf } from '../engine/observe.ts'
import { boundedEvent } from './bounded-event.ts'
import type { RunnerContext } from './context.ts'
import { eventRecord } from './entity-record.ts'
import { sourceOf } from './reached.ts'
import { takeInParts } from './take-in-parts.ts'

const maxEventBytes = 512 * 1024

/** `position`: the next offset to be read, 0: nothing was read yet; and when the bus took the last record that was. */
export type RepartitionWorker = PartitionWorker & {
  partition: number
  position(): { nextOffset: number; takenMs: number }
}

/** One partition of session-events → entity-events, keyed by whom an event is about. Repeats itself after a crash. */
export const createRepartitionWorker = (
  ctx: RunnerContext & { origins: OriginCheck | null },
  { topic, partition }: TopicPartition,
  commit: (nextOffset: number) => Promise<void>,
): RepartitionWorker => {
  const { bus, deadLetters, erased, metrics, origins } = ctx
  const exclusively = createSerial()
  let nextOffset = 0
  let takenMs = 0
  let committed = 0
  let isDropped = false

  const recordsOf = async (record: BusRecord): Promise<NewRecord[]> => {
    const decoded = decodeEvent(record.value)
    if ('reason' in decoded) {
      await deadLetters.write(record, { code: 'BTZ_REQUEST_INVALID', reason: decoded.reason })
      return []
    }
    // The indexer reads the same partition, and puts aside what is not proven.
    if ((await origins?.refuse(record, decoded.event.bastion)) != null) {
      metrics.unproven.inc()
      return []
    }
    const { sessionId } = decoded.event
    if (sessionId && (await erased.ids()).has(sessionId)) return []
    const observed = observe(boundedEvent(receivedEvent(decoded.event, record), record.value.byteLength))
    const place = { source: sourceOf(topic, partition), offset: record.offset, arrivedMs: record.timestampMs }
    const { directory } = ctx.context()
    const made = subjectsOf(observed, directory).map((subject) => eventRecord({ subject, observed, ...place }))
    if (made.every(({ value }) => value.byteLength <= maxEventBytes)) return made
    await deadLetters.write(record, {
      code: 'BTZ_BUS_RECORD_TOO_LARGE',
      reason: 'more than detectors keep of an event',
    })
    return []
  }
  const takeTogether = async (records: BusRecord[]): Promise<void> => {
    const made: NewRecord[] = []
    for (const record of records) made.push(...(await recordsOf(record)))
    if (made.length > 0) await bus.produce(made)
    const last = records.at(-1)!
    nextOffset = last.offset + 1
    takenMs = Math.max(takenMs, last.timestampMs)
  }
  const taking = { nextOffset: () => nextOffset, isDropped: () => isDropped, take: takeTogether }
  const commitDone = async (): Promise<void> => {
    if (isDropped || nextOffset <= committed) return
    await commit(nextOffset)
    committed = nextOffset
  }
  return {
    partition,
    position: () => ({ nextOffset, takenMs }),
    takeRun: (records, control) => exclusively(() => takeInParts(records, control, taking)),
    tick: () => exclusively(commitDone),
    drain: () => exclusively(commitDone),
    drop: () => {
      isDropped = true
    },
  }
}
