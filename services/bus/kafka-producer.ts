import type { Logger } from '../log.ts'
import type { Bus, Topic } from './bus.ts'
import { createKafkaClient, endKafkaClient, type KafkaSettings } from './kafka-client.ts'
import { connectTo } from './kafka-connect.ts'
import { topicName } from './kafka-topics.ts'
import { createKafkaWriter } from './kafka-write.ts'
import { createRunning } from './running.ts'

export type KafkaProducerOptions = {
  config: KafkaSettings
  topics: readonly Topic[]
  maxRecordBytes: number
  log: Logger
}
export type BusProducer = Pick<Bus, 'produce' | 'maxRecordBytes' | 'close'>

/**
 * The writing half of the bus, for whoever may WRITE (and so DESCRIBE) some topics and nothing else. Makes no topics.
 * @throws BTZ_UNAVAILABLE BTZ_AUTH_REQUIRED BTZ_FORBIDDEN BTZ_BUS_UNKNOWN_TOPIC BTZ_CONFIG_INVALID
 */
export const createKafkaProducer = async (options: KafkaProducerOptions): Promise<BusProducer> => {
  const { config, topics, maxRecordBytes, log } = options
  const nameOf = (topic: Topic): string => topicName(config, topic)
  const kafka = createKafkaClient(config, log)
  const { cluster, found } = await connectTo(kafka, topics.map(nameOf))
  await cluster.disconnect()
  const partitionCount = (topic: Topic): number => found.get(nameOf(topic))?.partitions ?? 0
  const writer = createKafkaWriter({ kafka, nameOf, partitionCount, maxRecordBytes, log })
  const { whileOpen, shut } = createRunning()
  let closing: Promise<void> | undefined
  return {
    maxRecordBytes,
    produce: (records) => whileOpen(() => writer.produce(records)),
    close: () => {
      closing ??= shut()
        .then(writer.close)
        .then(() => endKafkaClient(kafka))
      return closing
    },
  }
}
