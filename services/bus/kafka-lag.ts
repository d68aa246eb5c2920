import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Cluster } from 'kafkajs'
import { type GroupLag, type Topic, type TopicPartition, topics } from './bus.ts'
import { answerOf } from './kafka-errors.ts'
import { keyOf, onLeaders, readEnds } from './kafka-offsets.ts'
import { retryDelayMs } from './retry.ts'

export type LagOptions = {
  admin: Admin
  cluster: Cluster
  prefix: string // of our groups
  nameOf(topic: Topic): string
  partitionCount(topic: Topic): number
}

type Commit = TopicPartition & { group: string; committed: number }

const coordinatorTries = 7
/** A coordinator that has just been made one reads first what it is to know; the library's admin does not wait for it. */
const whenLoaded = async <T>(act: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (answerOf(error) !== 'GROUP_LOAD_IN_PROGRESS' || attempt === coordinatorTries) throw error
      await sleep(retryDelayMs(attempt))
    }
  }
}

const readCommits = async ({ admin, prefix, nameOf }: LagOptions, groupId: string): Promise<Commit[]> => {
  const offsets = await whenLoaded(() => admin.fetchOffsets({ groupId, topics: topics.map(nameOf) }))
  return offsets.flatMap(({ topic: name, partitions }) => {
    const topic = topics.find((one) => nameOf(one) === name)!
    const group = groupId.slice(prefix.length)
    return partitions.map(({ partition, offset }) => ({ group, topic, partition, committed: Number(offset) }))
  })
}

/** Of one group and partition; null: it has committed nothing there. */
export const readCommitted = async (
  { admin, groupId, nameOf }: Pick<LagOptions, 'admin' | 'nameOf'> & { groupId: string },
  at: TopicPartition,
): Promise<number | null> => {
  const [found] = await whenLoaded(() => admin.fetchOffsets({ groupId, topics: [nameOf(at.topic)] }))
  const offset = Number(found?.partitions.find(({ partition }) => partition === at.partition)?.offset ?? -1)
  return offset < 0 ? null : offset
}

/** Of every group that ever subscribed here: one request per group, one per broker for the ends. */
export const readLag = async (options: LagOptions): Promise<GroupLag[]> => {
  const { admin, cluster, prefix, nameOf } = options
  const { groups } = await admin.listGroups()
  const ours = groups.filter(({ groupId, protocolType }) => groupId.startsWith(prefix) && protocolType === 'consumer')
  const commits = (await Promise.all(ours.map(({ groupId }) => readCommits(options, groupId)))).flat()
  const known = commits.filter(({ committed }) => committed >= 0)
  const partitions = [
    ...new Map(known.map(({ topic, partition }) => [keyOf({ topic, partition }), { topic, partition }])).values(),
  ]
  if (partitions.length === 0) return []
  const ends = await onLeaders(cluster, () => readEnds(cluster, partitions, nameOf))
  return known.map((commit) => ({ ...commit, end: ends.get(keyOf(commit))! }))
}
