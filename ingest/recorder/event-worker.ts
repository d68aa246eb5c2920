import type { BusRecord, ConsumeControl, TopicPartition } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { EventRecorderContext } from './event-context.ts'
import { closeEventBlock } from './steps/close-event-block.ts'
import { describeEvent, type HeldEvent } from './steps/describe-event.ts'
import { elapsedMs } from './steps/plan-order.ts'

const maxRecords = 5_000 // bounds the footer

/** Records one partition of events or alerts. */
export const createEventWorker = (
  ctx: EventRecorderContext,
  { topic, partition }: TopicPartition,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const place = { busId: ctx.bus.id, topic, partition }
  const { eventBlockMaxBytes, blockMaxMs } = ctx.config
  const exclusively = createSerial()
  let held: HeldEvent[] = []
  let heldBytes = 0
  let openedAtMs = 0
  let nextOffset = 0
  let committed = 0
  let isAfterStart = true
  let isDropped = false

  const closeAll = async (): Promise<void> => {
    while (held.length > 0 && !isDropped) {
      const { done, wrote } = await closeEventBlock(ctx, place, held, isAfterStart)
      held = held.slice(done)
      if (wrote) isAfterStart = false
    }
    heldBytes = 0
  }
  const commitDone = async (): Promise<void> => {
    const upTo = held[0]?.record.offset ?? nextOffset
    if (isDropped || upTo <= committed) return
    await commit(upTo)
    committed = upTo
  }
  const take = async (record: BusRecord): Promise<void> => {
    const described = describeEvent(record)
    if (described.outcome === 'poison') await ctx.deadLetters.write(record, described.cause)
    else if (await ctx.gate.admits(record, described.event.bastion)) {
      if (held.length >= maxRecords || (held.length > 0 && heldBytes + record.value.byteLength > eventBlockMaxBytes))
        await closeAll()
      if (held.length === 0) openedAtMs = ctx.clock.now()
      held.push(described.event)
      heldBytes += record.value.byteLength
    }
    nextOffset = record.offset + 1
  }
  const takeRun = async (records: BusRecord[], { signal }: ConsumeControl): Promise<void> => {
    for (const record of records) {
      if (isDropped || signal.aborted) return
      // A run that failed comes again: what was taken of it before is held here.
      if (record.offset >= nextOffset) await take(record)
    }
  }
  const settle = async (maxAgeMs: number): Promise<void> => {
    if (held.length > 0 && elapsedMs(ctx.clock.now(), openedAtMs) >= maxAgeMs) await closeAll()
  }
  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick: () => exclusively(() => settle(blockMaxMs).finally(commitDone)),
    drain: () => exclusively(() => settle(0).finally(commitDone)),
    drop: () => {
      isDropped = true
      held = []
    },
  }
}
