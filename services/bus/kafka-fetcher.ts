import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster, PartitionMetadata } from 'kafkajs'
import type { Logger } from '../log.ts'
import type { Topic } from './bus.ts'
import { type Fetched, fetchFrom } from './kafka-fetch.ts'
import type { HeldPartition } from './kafka-held-partition.ts'
import { keyOf, onLeaders, readBounds, within } from './kafka-offsets.ts'
import { retryDelayMs } from './retry.ts'

/** How long a broker holds a request that it has no records for. */
const idleWaitMs = 250
/** Instead, while some partition is full: it is to be asked for again as soon as its member has taken what waits. */
const busyWaitMs = 10
const maxPauseMs = 2_000
const maxBytes = 8 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
const offsetOutOfRange = 1
const noLeader = -1

export type FetcherOptions = {
  cluster: Cluster
  nameOf(topic: Topic): string
  maxBatchBytes: number
  log: Logger
}
export type Fetcher = {
  /** Fetches for these from now on, and for no others. */
  feed(partitions: HeldPartition[]): void
  /** Something is to be fetched that was not before. */
  poke(): void
  stop(): void
}

const leaders = new WeakMap<PartitionMetadata[], Map<number, number>>()
const leaderOf = (cluster: Cluster, name: string, partition: number): number => {
  if (!cluster.isConnected()) return noLeader
  const metadata = cluster.findTopicPartitionMetadata(name)
  const known = leaders.get(metadata) ?? new Map(metadata.map(({ partitionId, leader }) => [partitionId, leader]))
  leaders.set(metadata, known)
  return known.get(partition) ?? noLeader
}

/** Reads partitions from the brokers that lead them: one request under way per broker. */
export const createFetcher = ({ cluster, nameOf, maxBatchBytes, log }: FetcherOptions): Fetcher => {
  const busy = new Set<number>()
  const failures = new Map<string, number>() // in a row
  const resting = new Set<string>()
  let held = new Map<string, HeldPartition>()
  let isStopped = false
  let isPlanned = false
  let turn = 0

  /** After a failure, before the next try: a leader may have moved. */
  const recover = async (what: string, problem: object): Promise<void> => {
    const attempt = (failures.get(what) ?? 0) + 1
    failures.set(what, attempt)
    log.warn({ attempt, ...problem }, `kafka: ${what} could not be read, tried again`)
    await sleep(Math.min(maxPauseMs, retryDelayMs(attempt)))
    if (!isStopped) await cluster.refreshMetadata().catch((err: unknown) => log.debug({ err }, 'kafka: no metadata'))
  }
  /** The others of its broker are read meanwhile. */
  const rest = async (key: string, problem: object): Promise<void> => {
    resting.add(key)
    await recover(key, problem)
    resting.delete(key)
    poke()
  }
  /** What was to be read next is gone, or was never there: goes on at what there is, and says so. */
  const reposition = async (one: HeldPartition): Promise<void> => {
    const bounds = (await onLeaders(cluster, () => readBounds(cluster, [one.at], nameOf))).get(keyOf(one.at))!
    const offset = within(bounds, one.nextFetch)
    if (offset === one.nextFetch) return void rest(keyOf(one.at), { code: offsetOutOfRange })
    log.error({ ...one.at, wanted: one.nextFetch, ...bounds }, 'kafka: records are gone that this group has not read')
    one.moveTo(offset)
  }
  const receive = async ({ failure, records, nextOffset, end, topic, partition, offset }: Fetched): Promise<void> => {
    const key = keyOf({ topic, partition })
    const one = held.get(key)
    if (!one || one.nextFetch !== offset) return // of an assignment that has ended
    if (failure === null) {
      failures.delete(key)
      one.take(records, nextOffset, end)
    } else if ('error' in failure) void rest(key, { err: failure.error })
    else if (failure.code === offsetOutOfRange) await reposition(one)
    else void rest(key, failure)
  }
  const fetchOnce = async (node: number, hungry: HeldPartition[], maxWaitMs: number): Promise<void> => {
    const what = node === noLeader ? 'what has no leader now' : `broker ${node}`
    try {
      const broker = await cluster.findBroker({ nodeId: String(node) })
      const from = hungry.map(({ at, nextFetch }) => ({ ...at, offset: nextFetch }))
      const limits = { maxWaitMs, maxBytes, maxPartitionBytes, maxBatchBytes }
      const fetched = await fetchFrom(broker, from, nameOf, limits)
      await Promise.all(fetched.map(receive))
      failures.delete(what)
    } catch (err) {
      if (!isStopped) await recover(what, { err })
    }
  }
  const start = (node: number, all: HeldPartition[]): void => {
    const hungry = all.filter((one) => one.isHungry && !resting.has(keyOf(one.at)))
    if (hungry.length === 0 || busy.has(node)) return
    // Who comes first gets its records even if they are larger than the limits: each has its turn.
    const first = turn++ % hungry.length
    const inTurn = [...hungry.slice(first), ...hungry.slice(0, first)]
    busy.add(node)
    void fetchOnce(node, inTurn, all.some(({ isHungry }) => !isHungry) ? busyWaitMs : idleWaitMs).finally(() => {
      busy.delete(node)
      plan()
    })
  }
  const plan = (): void => {
    isPlanned = false
    if (isStopped) return
    const byNode = Map.groupBy(held.values(), ({ at }) => leaderOf(cluster, nameOf(at.topic), at.partition))
    for (const [node, all] of byNode) start(node, all)
  }
  const poke = (): void => {
    if (isPlanned || isStopped) return
    isPlanned = true
    queueMicrotask(plan)
  }
  return {
    feed(partitions) {
      held = new Map(partitions.map((one) => [keyOf(one.at), one]))
      poke()
    },
    poke,
    stop() {
      isStopped = true
    },
  }
}
