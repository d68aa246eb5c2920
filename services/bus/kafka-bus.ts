import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type Bus, type Subscription, type Topic, type TopicPartition, topics } from './bus.ts'
import { createFollows } from './follows.ts'
import { createKafkaClient, endKafkaClient, type KafkaSettings } from './kafka-client.ts'
import { connectTo } from './kafka-connect.ts'
import { asBusErrors } from './kafka-errors.ts'
import { createKafkaFollow } from './kafka-follow.ts'
import { readCommitted, readLag } from './kafka-lag.ts'
import { busIdOf } from './kafka-metadata.ts'
import { readRecords } from './kafka-read.ts'
import { setUpKafka } from './kafka-setup.ts'
import { openSubscription } from './kafka-subscription.ts'
import { type BusLimits, batchOverheadBytes, topicName } from './kafka-topics.ts'
import { createKafkaWriter } from './kafka-write.ts'
import { checkGroupName, createMember } from './member.ts'
import { createRunning } from './running.ts'

export type KafkaBusOptions = BusLimits & { config: KafkaSettings; clock: Clock; log: Logger }

/**
 * The bus on a Kafka cluster. Makes the topics that are missing, if it may.
 * @throws BTZ_BUS_MISCONFIGURED BTZ_UNAVAILABLE BTZ_AUTH_REQUIRED BTZ_CONFIG_INVALID
 */
export const createKafkaBus = async ({ config, retentionMs, maxRecordBytes, log }: KafkaBusOptions): Promise<Bus> => {
  await setUpKafka({ config, retentionMs, maxRecordBytes, log })
  const nameOf = (topic: Topic) => topicName(config, topic)
  const kafka = createKafkaClient(config, log)
  const { cluster, found } = await connectTo(kafka, topics.map(nameOf))
  const admin = kafka.admin()
  const partitionCount = (topic: Topic): number => found.get(nameOf(topic))?.partitions ?? 0
  const maxBatchBytes = maxRecordBytes + 16 * batchOverheadBytes
  const shared = { kafka, cluster, nameOf, partitionCount, maxRecordBytes, maxBatchBytes, log }
  const writer = createKafkaWriter(shared)
  const subscriptions = new Set<Subscription>()
  const following = createKafkaFollow(shared)
  const follows = createFollows(following.hold, log)
  const running = createRunning()
  const { whileOpen } = running
  let closing: Promise<void> | undefined

  const check = ({ topic, partition }: TopicPartition): void => {
    if (Number.isInteger(partition) && partition >= 0 && partition < partitionCount(topic)) return
    throw new BartizanError('BTZ_BUS_UNKNOWN_TOPIC', `the bus has no ${topic}/${partition}`)
  }
  const closeAll = () => Promise.all([...[...subscriptions].map((one) => one.close()), follows.closeAll()])
  const close = async (): Promise<void> => {
    await closeAll()
    // Until here members that still work on a run may produce and commit.
    await running.shut()
    // A call that was on its way joined meanwhile.
    await closeAll()
    await Promise.all([writer.close(), following.close()])
    await Promise.all([cluster.disconnect(), admin.disconnect()])
    endKafkaClient(kafka)
  }
  const lag = async () => {
    await admin.connect()
    return readLag({ ...shared, admin, prefix: config.topicPrefix })
  }

  return {
    id: busIdOf(new Map([...found].map(([name, { id }]) => [name, id]))),
    maxRecordBytes,
    partitions: partitionCount,
    produce: (records) => whileOpen(() => writer.produce(records)),
    subscribe: (subscribing, consumer) =>
      whileOpen(async () => {
        checkGroupName(subscribing.group)
        for (const topic of subscribing.topics) check({ topic, partition: 0 })
        const member = createMember(subscribing, consumer, log)
        const opened = await openSubscription({ ...shared, groupId: config.topicPrefix + member.group, member })
        subscriptions.add(opened)
        return {
          commit: (at, nextOffset) => whileOpen(() => opened.commit(at, nextOffset)),
          close: async () => {
            await opened.close()
            subscriptions.delete(opened)
          },
        }
      }),
    read: (at, offset, limit) =>
      whileOpen(async () => {
        check(at)
        return asBusErrors(`reading ${at.topic}/${at.partition}`, () => readRecords(shared, at, offset, limit))
      }),
    erase: async () => null,
    lag: () => whileOpen(() => asBusErrors('reading the lag', lag)),
    committed: (group, at) =>
      whileOpen(async () => {
        check(at)
        await admin.connect()
        const asked = { ...shared, admin, groupId: config.topicPrefix + group }
        return asBusErrors(`reading what ${group} has done`, () => readCommitted(asked, at))
      }),
    follow: (at, offset, onRecords) =>
      whileOpen(async () => {
        check(at)
        return follows.follow(at, offset, onRecords)
      }),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
