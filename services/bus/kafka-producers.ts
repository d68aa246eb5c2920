import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { zstdCompress, zstdCompressSync } from 'node:zlib'
import kafkajs, { type Kafka, type Message, type Producer, type ProducerRecord, type RecordMetadata } from 'kafkajs'
import { BartizanError, hasCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import { requestTimeoutMs, retry } from './kafka-client.ts'
import { answerOf } from './kafka-errors.ts'

/** The library sends one request at a time to a broker; more producers are more requests. */
const producerCount = 4
/** Of the library's own tries, about 20 s, and some more. */
const sendTimeoutMs = 30_000
/** Within this a new producer is tried where the old one failed at once. */
const tryAgainMs = 5_000
const attemptDelayMs = 200
const syncBytes = 32 * 1024

// The library is CommonJS: not all it has can be imported by name.
const { CompressionCodecs, CompressionTypes, Partitioners } = kafkajs

const compressAsync = promisify(zstdCompress)
// Read by the library per send. Its own reader is not used, so nothing is decompressed by it.
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) =>
    buffer.length < syncBytes ? zstdCompressSync(buffer) : compressAsync(buffer),
  decompress: async () => {
    throw new Error('kafkajs reads nothing here')
  },
})

export type Batch = { name: string; partition: number; messages: Message[]; isCompressed: boolean }
export type Producers = {
  /** Resolves with the offset of the first message once all in-sync copies have them. */
  send(batch: Batch): Promise<number>
  close(): Promise<void>
}

/** Answers after which a new producer may do what this one cannot: the broker no longer knows where its numbers are. */
const lostCount = [
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'DUPLICATE_SEQUENCE_NUMBER',
]

/**
 * The library can resolve a send without having sent a partition whose leader moved meanwhile (tulios/kafkajs issue 1303).
 * One partition per send avoids that; should an answer still lack it, it counts as not written.
 */
const baseOffsetOf = (answers: RecordMetadata[], { name, partition }: Batch): number => {
  const answer = answers.find((one) => one.topicName === name && one.partition === partition)
  const offset = Number(answer?.baseOffset ?? -1)
  if (answers.length === 1 && answer?.errorCode === 0 && Number.isSafeInteger(offset) && offset >= 0) return offset
  throw new BartizanError('BTZ_UNAVAILABLE', `Kafka did not confirm ${name}/${partition}`)
}

const inTime = async <T>(work: Promise<T>): Promise<T> => {
  const controller = new AbortController()
  const late = sleep(sendTimeoutMs, undefined, { signal: controller.signal }).then(() => {
    throw new BartizanError('BTZ_UNAVAILABLE', `Kafka did not answer within ${sendTimeoutMs} ms`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    controller.abort()
    late.catch(() => {})
  }
}

const requestOf = ({ name, partition, messages, isCompressed }: Batch): ProducerRecord => ({
  topic: name,
  messages: messages.map((message) => ({ ...message, partition })),
  acks: -1,
  timeout: requestTimeoutMs,
  compression: isCompressed ? CompressionTypes.ZSTD : CompressionTypes.None,
})

/**
 * An idempotent producer numbers its batches per partition, and takes a number back when a send fails. Another batch under
 * a number that the broker has already seen would be acknowledged without being written: so after any failure the producer
 * is given up, and its successor starts with numbers of its own.
 */
const createProducerSlot = (kafka: Kafka, log: Logger) => {
  let current: { producer: Promise<Producer>; inFlight: number; isGivenUp: boolean } | null = null

  const connect = async (): Promise<Producer> => {
    const options = {
      idempotent: true,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry,
    }
    const producer = kafka.producer(options)
    try {
      await producer.connect()
    } catch (error) {
      await producer.disconnect().catch(() => {})
      throw error
    }
    return producer
  }
  const disconnect = (slot: NonNullable<typeof current>): Promise<void> =>
    slot.producer
      .then((producer) => producer.disconnect())
      .catch((err: unknown) => log.debug({ err }, 'kafka: a producer was not disconnected'))
  const disconnectUnused = (slot: NonNullable<typeof current>): void => {
    if (slot.isGivenUp && slot.inFlight === 0) void disconnect(slot)
  }
  const giveUp = (slot: NonNullable<typeof current>): void => {
    slot.isGivenUp = true
    if (current === slot) current = null
    disconnectUnused(slot)
  }
  /** In flight until the library is done with it, which is longer than anybody waits: disconnected before, it connects again. */
  const sendBy = (slot: NonNullable<typeof current>, batch: Batch): Promise<RecordMetadata[]> => {
    slot.inFlight++
    const sent = slot.producer.then((producer) => producer.send(requestOf(batch)))
    const done = (): void => {
      slot.inFlight--
      disconnectUnused(slot)
    }
    sent.then(done, done)
    return sent
  }
  const sendOnce = async (batch: Batch): Promise<number> => {
    current ??= { producer: connect(), inFlight: 0, isGivenUp: false }
    const slot = current
    try {
      return baseOffsetOf(await inTime(sendBy(slot, batch)), batch)
    } catch (error) {
      giveUp(slot)
      throw error
    }
  }
  return {
    sendOnce,
    close: async (): Promise<void> => {
      if (current) await disconnect(current)
    },
  }
}

/** Also what was not confirmed. */
const mayTryAgain = (error: unknown): boolean =>
  hasCode(error, 'BTZ_UNAVAILABLE') || lostCount.includes(answerOf(error) ?? '')

export const createProducers = (kafka: Kafka, log: Logger): Producers => {
  const slots = Array.from({ length: producerCount }, () => createProducerSlot(kafka, log))

  const send = async (batch: Batch): Promise<number> => {
    const slot = slots[batch.partition % producerCount]!
    const startedAtMs = performance.now()
    for (let attempt = 1; ; attempt++) {
      try {
        return await slot.sendOnce(batch)
      } catch (err) {
        if (performance.now() - startedAtMs > tryAgainMs || !mayTryAgain(err)) throw err
        log.warn(
          { err, topic: batch.name, partition: batch.partition },
          'kafka: a batch is sent again by a new producer',
        )
        await sleep(attemptDelayMs * attempt)
      }
    }
  }
  return {
    send,
    close: async () => {
      await Promise.all(slots.map((slot) => slot.close()))
    },
  }
}
