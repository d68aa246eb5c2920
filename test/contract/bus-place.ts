import type { ExecutionContext } from 'ava'
import type { Bus, BusRecord, Consumer, NewRecord, RecordRun, Subscription, Topic } from '#services/bus/bus.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { until as pollUntil } from '#test/helpers/until.ts'

/**
 * One bus, empty at first, with at least 2 partitions. `open` opens it, again after a close; only one process has it
 * open at a time. A child process opens it by import and arguments.
 */
export type BusPlace = {
  open(): Promise<Bus>
  inChild: { module: string; factory: string; options: unknown }
}
export type RetainingBusPlace = Pick<BusPlace, 'open'> & {
  /** Opens it so much later that all there is now is past its retention, and retention has run. */
  openAfterRetention(): Promise<Bus>
}
export type MakeBusPlace = (t: ExecutionContext<unknown>) => Promise<BusPlace>
export type MakeRetainingBusPlace = (t: ExecutionContext<unknown>) => Promise<RetainingBusPlace>

export const opened = async (t: ExecutionContext<unknown>, make: MakeBusPlace): Promise<Bus> => {
  const bus = await (await make(t)).open()
  t.teardown(() => bus.close())
  return bus
}

/** Polls for as long as a bus of several processes may take to agree on its members. */
export const until = (condition: () => boolean | Promise<boolean>, what = 'condition'): Promise<void> =>
  pollUntil(condition, { limitMs: 60_000, what })

export const record = (key: string, text: string, topic: Topic = 'session-events'): NewRecord => ({
  topic,
  key,
  value: Buffer.from(text),
})
export const textOf = ({ value }: { value: Uint8Array }): string => Buffer.from(value).toString()
export const placesOf = (records: { partition: number; offset: number }[]): string[] =>
  records.map(({ partition, offset }) => `${partition}/${offset}`).sort()
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

export const aborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

/** A key of each partition, in the order of the partitions. */
export const keyOfEach = (bus: Bus, topic: Topic = 'session-events'): string[] =>
  numbers(bus.partitions(topic)).map((partition) => {
    for (let n = 0; ; n++) if (partitionOfKey(`key-${n}`, bus.partitions(topic)) === partition) return `key-${n}`
  })

export type Seen = { records: BusRecord[]; runs: RecordRun[]; subscription: Subscription }

/** Subscribes and keeps what arrives; `act` does what else the member does with a run. */
export const watch = async (
  bus: Bus,
  group: string,
  {
    act,
    topics = ['session-events'],
    ...consumer
  }: Partial<Consumer> & { act?: Consumer['onRecords']; topics?: Topic[] },
): Promise<Seen> => {
  const records: BusRecord[] = []
  const runs: RecordRun[] = []
  const onRecords: Consumer['onRecords'] = async (run, control) => {
    runs.push(run)
    records.push(...run.records)
    await act?.(run, control)
  }
  const subscription = await bus.subscribe({ group, topics }, { ...consumer, onRecords })
  return { records, runs, subscription }
}
