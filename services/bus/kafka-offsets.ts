import type { Cluster } from 'kafkajs'
import type { Topic, TopicPartition } from './bus.ts'

export type Bounds = { start: number; end: number }

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

const readOffsets = async (
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  nameOf: (topic: Topic) => string,
  fromBeginning: boolean,
): Promise<Map<string, number>> => {
  const byName = Map.groupBy(partitions, ({ topic }) => nameOf(topic))
  const topics = [...byName].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => ({ partition })),
    fromBeginning,
  }))
  const answer = await cluster.fetchTopicsOffset(topics)
  return new Map(
    answer.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => [`${topic}/${partition}`, Number(offset)] as const),
    ),
  )
}

const complete = (
  offsets: Map<string, number>,
  partitions: readonly TopicPartition[],
  nameOf: (topic: Topic) => string,
) =>
  new Map(
    partitions.map((at) => {
      const offset = offsets.get(`${nameOf(at.topic)}/${at.partition}`)
      if (offset === undefined || offset < 0) throw new Error(`no broker leads ${nameOf(at.topic)}/${at.partition} now`)
      return [keyOf(at), offset]
    }),
  )

/** The offset of the next record of each partition, by `keyOf`. */
export const readEnds = async (
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  nameOf: (topic: Topic) => string,
) => {
  await cluster.refreshMetadataIfNecessary()
  return complete(await readOffsets(cluster, partitions, nameOf, false), partitions, nameOf)
}

/** The oldest and the next offset of each partition, by `keyOf`. */
export const readBounds = async (
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  nameOf: (topic: Topic) => string,
): Promise<Map<string, Bounds>> => {
  await cluster.refreshMetadataIfNecessary()
  const starts = complete(await readOffsets(cluster, partitions, nameOf, true), partitions, nameOf)
  const ends = await readEnds(cluster, partitions, nameOf)
  return new Map([...starts].map(([key, start]) => [key, { start, end: ends.get(key)! }]))
}

/** Where to go on reading: what is gone cannot be read, what is beyond the end does not exist yet. */
export const within = ({ start, end }: Bounds, offset: number): number =>
  Math.min(Math.max(offset, start), Math.max(start, end))

/** Runs `act`; when it fails, with fresh metadata once more: a leader may have moved. */
export const onLeaders = async <T>(cluster: Cluster, act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch {
    await cluster.refreshMetadata()
    return act()
  }
}
