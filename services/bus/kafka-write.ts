import type { Kafka, Message } from 'kafkajs'
import type { Logger } from '../log.ts'
import type { NewRecord, Placed, Topic, TopicPartition } from './bus.ts'
import { asBusErrors } from './kafka-errors.ts'
import { createPartitionQueue, type PartitionQueue } from './kafka-partition-queue.ts'
import { createProducers } from './kafka-producers.ts'
import { createProduce } from './produce.ts'

/** Frame batches are compressed by the agent already. */
const compressedAlready: readonly Topic[] = ['session-frames']
const worthCompressingBytes = 512

export type KafkaWriter = {
  produce(records: NewRecord[]): Promise<Placed[]>
  close(): Promise<void>
}
export type KafkaWriterOptions = {
  kafka: Kafka
  nameOf(topic: Topic): string
  partitionCount(topic: Topic): number
  maxRecordBytes: number
  /** For readers that are not ours: not every client can read zstd. */
  isPlain?: boolean
  log: Logger
}

/** A view of the same memory: the library's encoder takes buffers only. */
const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)

const messageOf = ({ key, value, headers }: NewRecord): Message => ({
  key: Buffer.from(key),
  value: bufferOf(value),
  ...(headers ? { headers } : {}),
})

export const createKafkaWriter = ({
  kafka,
  nameOf,
  isPlain = false,
  log,
  ...options
}: KafkaWriterOptions): KafkaWriter => {
  const producers = createProducers(kafka, log)
  const queues = new Map<string, PartitionQueue>()

  const open = ({ topic, partition }: TopicPartition): PartitionQueue => {
    const name = nameOf(topic)
    const queue = createPartitionQueue((batch) => {
      const bytes = batch.reduce((sum, { value }) => sum + value.byteLength, 0)
      const isCompressed = !isPlain && !compressedAlready.includes(topic) && bytes >= worthCompressingBytes
      const messages = batch.map(messageOf)
      return asBusErrors(`writing to ${name}/${partition}`, () =>
        producers.send({ name, partition, messages, isCompressed }),
      )
    })
    queues.set(`${topic}/${partition}`, queue)
    return queue
  }
  const produce = createProduce({
    ...options,
    append: (at, records) => (queues.get(`${at.topic}/${at.partition}`) ?? open(at)).append(records),
  })
  return { produce, close: producers.close }
}
