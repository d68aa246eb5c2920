import type { Cluster, Kafka } from 'kafkajs'
import { BartizanError } from '../errors.ts'
import { clusterOf } from './kafka-client.ts'
import { answerOf, asBusErrors } from './kafka-errors.ts'
import { readTopics, type TopicMetadata } from './kafka-metadata.ts'
import { settled } from './kafka-setup.ts'

export type Connected = { cluster: Cluster; found: Map<string, TopicMetadata> }

/** The set-up has seen the topics, but each broker learns of new ones in its own time. */
const findTopics = async (cluster: Cluster, names: string[]): Promise<Map<string, TopicMetadata>> => {
  let found = new Map<string, TopicMetadata>()
  const isComplete = async (): Promise<boolean> => {
    try {
      await cluster.addMultipleTargetTopics(names)
    } catch (error) {
      if (answerOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return false
      throw error
    }
    found = await readTopics(await cluster.findControllerBroker(), names)
    return names.every((name) => found.has(name))
  }
  if (await settled(isComplete)) return found
  const missing = names.filter((name) => !found.has(name))
  throw new BartizanError('BTZ_BUS_UNKNOWN_TOPIC', `Kafka has no topic ${missing.join(', ')}`, {
    hint: 'the topics are made by the set-up: see docs/operations/kafka.md',
  })
}

/** @throws BTZ_UNAVAILABLE BTZ_AUTH_REQUIRED BTZ_FORBIDDEN BTZ_BUS_UNKNOWN_TOPIC */
export const connectTo = (kafka: Kafka, names: string[]): Promise<Connected> =>
  asBusErrors('connecting', async () => {
    const cluster = clusterOf(kafka)
    try {
      await cluster.connect()
      return { cluster, found: await findTopics(cluster, names) }
    } catch (error) {
      await cluster.disconnect()
      throw error
    }
  })
