import type { Bus, BusRecord, ConsumeControl, Subscription, Topic, TopicPartition } from '#services/bus/bus.ts'
import type { Logger } from '#services/log.ts'

const tickMs = 500

/** One partition under one assignment. Its calls are made in any order and at any time; it does one after another. */
export type PartitionWorker = {
  takeRun(records: BusRecord[], control: ConsumeControl): Promise<void>
  /** What time demands; then the offset of what is durable is committed. */
  tick(): Promise<void>
  /** Stores what is open, and commits. */
  drain(): Promise<void>
  /** Nothing is written or committed any more: the partition is someone else's. */
  drop(): void
}

export type PartitionWorkers = {
  drain(): Promise<void>
  /** Drains, and leaves the group. What cannot be stored now stays uncommitted on the bus. */
  close(): Promise<void>
}

export type PartitionWorkersOptions<W> = {
  bus: Pick<Bus, 'subscribe'>
  group: string
  topics: Topic[]
  log: Logger
  create(at: TopicPartition, commit: (nextOffset: number) => Promise<void>): W
  /** After each run, outside any worker's turn. */
  afterRun?(bytes: number, all: W[]): Promise<void>
  afterTick?(all: W[]): Promise<void>
}

const stopped = ({ signal }: ConsumeControl): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/** Calls `act` at an interval, never twice at once. */
const every = (ms: number, act: () => Promise<void>): { stop(): Promise<void> } => {
  let running: Promise<void> | null = null
  const timer = setInterval(() => {
    running ??= act().finally(() => {
      running = null
    })
  }, ms)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}

/** A member of a consumer group with one worker per partition it holds. */
export const createPartitionWorkers = async <W extends PartitionWorker>(
  options: PartitionWorkersOptions<W>,
): Promise<PartitionWorkers> => {
  const { bus, group, topics, log } = options
  const workers = new Map<string, W>()
  const { promise: subscribed, resolve: resolveSubscribed } = Promise.withResolvers<Subscription>()
  let isClosing = false

  const assign = (at: TopicPartition): void => {
    const commit = async (nextOffset: number) => (await subscribed).commit(at, nextOffset)
    workers.set(nameOf(at), options.create(at, commit))
  }
  const revoke = (at: TopicPartition): void => {
    workers.get(nameOf(at))?.drop()
    workers.delete(nameOf(at))
  }
  const all = (): W[] => [...workers.values()]
  const tick = async (): Promise<void> => {
    try {
      const done = await Promise.allSettled(all().map((worker) => worker.tick()))
      for (const one of done) if (one.status === 'rejected') throw one.reason
      await options.afterTick?.(all())
    } catch (err) {
      log.error({ err, group }, 'not stored yet, tried again')
    }
  }
  const subscription = await bus.subscribe(
    {
      group,
      topics,
      onError: (err, { topic, partition }, attempt) =>
        log.error({ err, group, topic, partition, attempt }, 'a run is tried again'),
    },
    {
      onRecords: async ({ records, ...at }, control) => {
        // Not taken, so not committed: they come again after the next start.
        if (isClosing) return stopped(control)
        await workers.get(nameOf(at))?.takeRun(records, control)
        const bytes = records.reduce((sum, { value }) => sum + value.byteLength, 0)
        await options.afterRun?.(bytes, all())
      },
      onAssigned: async (partitions) => partitions.forEach(assign),
      onRevoked: async (partitions) => partitions.forEach(revoke),
    },
  )
  resolveSubscribed(subscription)
  const ticking = every(tickMs, tick)
  const drain = async (): Promise<void> => {
    const done = await Promise.allSettled(all().map((worker) => worker.drain()))
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }
  return {
    drain,
    close: async () => {
      isClosing = true
      await ticking.stop()
      await drain().catch((err: unknown) => log.error({ err, group }, 'what is open stays on the bus'))
      await subscription.close()
    },
  }
}
