import type { Cluster, Kafka } from 'kafkajs'
import type { Logger } from '../log.ts'
import type { Subscription, Topic, TopicPartition } from './bus.ts'
import { connectCluster } from './kafka-client.ts'
import { createGenerationCommits, type GenerationCommits } from './kafka-commits.ts'
import { type Coordination, createCoordination } from './kafka-coordinator.ts'
import { asBusErrors } from './kafka-errors.ts'
import { createFetcher, type Fetcher } from './kafka-fetcher.ts'
import { type HeldPartition, holdPartition } from './kafka-held-partition.ts'
import { type Generation, runMembership } from './kafka-membership.ts'
import { keyOf, onLeaders, readBounds, readEnds, within } from './kafka-offsets.ts'
import { announce, checkCommit, type Member, notAssigned, withdraw } from './member.ts'

export type SubscriptionOptions = {
  kafka: Kafka
  groupId: string
  member: Member
  nameOf(topic: Topic): string
  partitionCount(topic: Topic): number
  maxBatchBytes: number
  log: Logger
}
type Wired = SubscriptionOptions & { cluster: Cluster; coordination: Coordination }

/** By `keyOf`; a partition that the group has committed nothing of is absent. */
const readCommitted = async (
  { coordination, groupId, nameOf }: Wired,
  partitions: TopicPartition[],
): Promise<Map<string, number>> => {
  const byTopic = [...Map.groupBy(partitions, ({ topic }) => topic)]
  const topics = byTopic.map(([topic, all]) => ({
    topic: nameOf(topic),
    partitions: all.map(({ partition }) => ({ partition, offset: '-1' })),
  }))
  const { responses } = await coordination((one) => one.offsetFetch({ groupId, topics }))
  const found = responses.flatMap(({ topic: name, partitions }) => {
    const [topic] = byTopic.find(([one]) => nameOf(one) === name)!
    return partitions.map(({ partition, offset }) => [keyOf({ topic, partition }), Number(offset)] as const)
  })
  return new Map(found.filter(([, offset]) => offset >= 0))
}

type Start = { positions: Map<string, number>; commits: GenerationCommits }

/** Where each partition goes on. A group that is new to one is entered at its oldest record: from then on its lag can be seen. */
const start = async (wired: Wired, generation: Generation): Promise<Start> => {
  const { cluster, coordination, groupId, member, nameOf, log } = wired
  const { partitions } = generation
  const committed = await readCommitted(wired, partitions)
  const bounds = await onLeaders(cluster, () => readBounds(cluster, partitions, nameOf))
  const fresh = partitions.filter((at) => !committed.has(keyOf(at)))
  const positions = new Map<string, number>()
  for (const at of partitions) {
    const [key, bound] = [keyOf(at), bounds.get(keyOf(at))!]
    const wanted = committed.get(key) ?? bound.start
    const position = within(bound, wanted)
    positions.set(key, position)
    if (position !== wanted)
      log.error({ ...at, groupId, committed: wanted, ...bound }, 'kafka: records are gone that this group has not read')
    // Beyond the end (the cluster lost its tail): what comes there now has to be committed again.
    if (position < wanted) committed.set(key, position)
  }
  const commits = createGenerationCommits({ coordination, groupId, generation, member, nameOf, committed })
  await Promise.all(fresh.map((at) => commits.commit(at, positions.get(keyOf(at))!)))
  return { positions, commits }
}

export const openSubscription = async (options: SubscriptionOptions): Promise<Subscription> => {
  const { kafka, groupId, member, nameOf, log } = options
  const cluster = await asBusErrors(`subscribing ${groupId}`, () => connectCluster(kafka, member.topics.map(nameOf)))
  const wired: Wired = { ...options, cluster, coordination: createCoordination(cluster, groupId) }
  const fetcher: Fetcher = createFetcher({ ...wired })
  const closing = new AbortController()
  let held = new Map<string, HeldPartition>()
  let commits: GenerationCommits | null = null

  const hold = async (generation: Generation): Promise<() => Promise<void>> => {
    const begun = await start(wired, generation)
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const partitions = generation.partitions.map((at) =>
      holdPartition({ at, start: begun.positions.get(keyOf(at))!, member, hungry: fetcher.poke }, ready),
    )
    held = new Map(partitions.map((one) => [keyOf(one.at), one]))
    commits = begun.commits
    resolve(announce(member, partitions))
    fetcher.feed(partitions)
    return async () => {
      fetcher.feed([])
      await Promise.all(partitions.map((one) => one.stop()))
      held = new Map()
      if (partitions.length > 0) await withdraw(member, generation.partitions, log)
    }
  }
  const endOf = async (one: HeldPartition, nextOffset: number): Promise<number> => {
    if (nextOffset <= one.knownEnd) return one.knownEnd
    const ends = await asBusErrors('reading offsets', () =>
      onLeaders(cluster, () => readEnds(cluster, [one.at], nameOf)),
    )
    return ends.get(keyOf(one.at))!
  }
  const leave = async (): Promise<void> => {
    closing.abort()
    await running.promise
    fetcher.stop()
    await cluster.disconnect()
  }
  const running = Promise.withResolvers<void>()
  // In a later turn, so that the caller has its subscription by then.
  setImmediate(() => running.resolve(runMembership({ ...wired, topics: member.topics, hold }, closing.signal)))
  let left: Promise<void> | undefined

  return {
    async commit(at, nextOffset) {
      const one = held.get(keyOf(at))
      const mine = commits
      if (!one || !mine) throw notAssigned(member, at)
      checkCommit(at, nextOffset, await endOf(one, nextOffset))
      await mine.commit(at, nextOffset)
    },
    close: () => (left ??= leave()),
  }
}
