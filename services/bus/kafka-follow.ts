import type { Cluster, Kafka } from 'kafkajs'
import type { Logger } from '../log.ts'
import type { Topic, TopicPartition } from './bus.ts'
import { connectCluster } from './kafka-client.ts'
import { asBusErrors } from './kafka-errors.ts'
import { createFetcher, type Fetcher } from './kafka-fetcher.ts'
import { type HeldPartition, holdPartition } from './kafka-held-partition.ts'
import type { Member } from './member.ts'

export type FollowOptions = { kafka: Kafka; nameOf(topic: Topic): string; maxBatchBytes: number; log: Logger }

/**
 * Reads partitions for whoever follows them, all by one request at a time per broker. On a connection of its own: a broker
 * answers the requests of one in turn, and these it holds until there is something.
 */
export const createKafkaFollow = (options: FollowOptions) => {
  const { kafka, nameOf } = options
  const held = new Set<HeldPartition>()
  let opening: Promise<{ cluster: Cluster; fetcher: Fetcher }> | null = null

  const open = async (topic: Topic) => {
    const cluster = await asBusErrors('following', () => connectCluster(kafka, [nameOf(topic)]))
    return { cluster, fetcher: createFetcher({ ...options, cluster }) }
  }
  const connected = (topic: Topic) => {
    opening ??= open(topic).catch((error) => {
      opening = null
      throw error
    })
    return opening
  }
  return {
    hold: async (at: TopicPartition, start: number, member: Member) => {
      const { cluster, fetcher } = await connected(at.topic)
      await asBusErrors('following', () => cluster.addMultipleTargetTopics([nameOf(at.topic)]))
      const one = holdPartition({ at, start, member, hungry: fetcher.poke }, Promise.resolve())
      held.add(one)
      fetcher.feed([...held])
      return {
        stop: async () => {
          held.delete(one)
          fetcher.feed([...held])
          await one.stop()
        },
      }
    },
    close: async (): Promise<void> => {
      const { cluster, fetcher } = (await opening?.catch(() => null)) ?? {}
      fetcher?.stop()
      await cluster?.disconnect()
    },
  }
}
