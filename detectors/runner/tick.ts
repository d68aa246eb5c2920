import type { GroupLag } from '#services/bus/bus.ts'
import type { RunnerContext } from './context.ts'
import { tickRecords } from './entity-record.ts'
import type { EntityWorker } from './entity-worker.ts'
import { sourceOf } from './reached.ts'
import type { RepartitionWorker } from './repartition-worker.ts'

/** Records get their time before they are synced and can be read, and clocks of brokers differ a little from ours. */
const marginMs = 5_000

export type TickOptions = Pick<RunnerContext, 'bus' | 'clock'> & {
  group: string // that repartitions
  repartition: ReadonlySet<RepartitionWorker>
  entities: ReadonlySet<EntityWorker>
}

/** Up to when the bus's records of a partition were read: now, if it has no more. */
const readUpTo = async (
  { bus, group }: TickOptions,
  { partition, position }: RepartitionWorker,
  lag: readonly GroupLag[],
  nowMs: number,
): Promise<number> => {
  const at = { topic: 'session-events' as const, partition }
  const row = lag.find((one) => one.group === group && one.topic === at.topic && one.partition === partition)
  const { nextOffset, takenMs } = position()
  const next = Math.max(nextOffset, row?.committed ?? 0)
  // A group that never committed here has no lag to tell of.
  const isAtEnd = row ? next >= row.end : (await bus.read(at, next, 1)).length === 0
  return isAtEnd ? Math.max(takenMs, nowMs - marginMs) : takenMs
}

/** Tells every partition of entity-events the time, and how far this process has read what it holds. */
export const sendTick = async (options: TickOptions): Promise<void> => {
  const { bus, clock, repartition, entities } = options
  const nowMs = clock.now()
  const lag = await bus.lag()
  const reached: Record<string, number> = {}
  for (const worker of repartition)
    reached[sourceOf('session-events', worker.partition)] = await readUpTo(options, worker, lag, nowMs)
  for (const worker of entities) reached[sourceOf('entity-events', worker.partition)] = worker.position().reachedMs
  await bus.produce(tickRecords({ atMs: nowMs, reached }, bus.partitions('entity-events')))
}
