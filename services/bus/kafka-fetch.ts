import type { Broker } from 'kafkajs'
import type { BusRecord, Topic, TopicPartition } from './bus.ts'
import { decodeBatches } from './kafka-record-batch.ts'
import { int8, int32, int64, sendTo, string, type WireReader } from './kafka-wire.ts'

export type FetchFrom = TopicPartition & { offset: number }
export type FetchLimits = {
  maxWaitMs: number // of the broker, for the first record
  maxBytes: number // of all partitions; a larger record comes nevertheless
  maxPartitionBytes: number
  maxBatchBytes: number // of a batch when decompressed
}
export type Fetched = FetchFrom & {
  /** A broker's answer (kafka.apache.org/protocol#protocol_error_codes), or what its records could not be read for. */
  failure: { code: number } | { error: unknown } | null
  end: number
  records: BusRecord[]
  nextOffset: number
}

type Answer = { name: string; partition: number; errorCode: number; end: number; content: Buffer }

/** Fetch, version 11: the last one before flexible versions. */
const requestBody = (from: FetchFrom[], nameOf: (topic: Topic) => string, limits: FetchLimits): Buffer => {
  const topics = Map.groupBy(from, ({ topic }) => topic)
  const ofPartition = ({ partition, offset }: FetchFrom): Buffer[] => [
    int32(partition),
    int32(-1),
    int64(offset),
    int64(-1),
    int32(limits.maxPartitionBytes),
  ]
  return Buffer.concat([
    int32(-1), // not a replica
    int32(limits.maxWaitMs),
    int32(1),
    int32(limits.maxBytes),
    int8(0), // nobody writes transactions here
    int32(0),
    int32(-1), // without a fetch session
    int32(topics.size),
    ...[...topics].flatMap(([topic, partitions]) => [
      string(nameOf(topic)),
      int32(partitions.length),
      ...partitions.flatMap(ofPartition),
    ]),
    int32(0),
    string(''),
  ])
}

const readPartition = (answer: WireReader, name: string): Answer => {
  const partition = answer.int32()
  const errorCode = answer.int16()
  const end = answer.int64()
  answer.skip(8 + 8)
  const aborted = answer.int32()
  if (aborted > 0) answer.skip(aborted * 16)
  answer.skip(4)
  const bytes = answer.int32()
  return { name, partition, errorCode, end, content: answer.bytes(Math.max(bytes, 0)) }
}

const decode = (answer: WireReader): Answer[] => {
  answer.skip(4)
  const errorCode = answer.int16()
  if (errorCode !== 0) throw new Error(`a broker refused to be read from: error ${errorCode}`)
  answer.skip(4)
  const answers: Answer[] = []
  for (let topics = answer.int32(); topics > 0; topics--) {
    const name = answer.string()
    for (let partitions = answer.int32(); partitions > 0; partitions--) answers.push(readPartition(answer, name))
  }
  return answers
}

/** Asks one broker, of partitions that it leads. An answer without records means that there were none within `maxWaitMs`. */
export const fetchFrom = async (
  broker: Broker,
  from: FetchFrom[],
  nameOf: (topic: Topic) => string,
  limits: FetchLimits,
): Promise<Fetched[]> => {
  const body = requestBody(from, nameOf, limits)
  const answers = await sendTo(broker, { apiKey: 1, apiVersion: 11, apiName: 'Fetch', body, decode })
  const read = async ({ name, partition, errorCode, end, content }: Answer): Promise<Fetched[]> => {
    const asked = from.find((one) => one.partition === partition && nameOf(one.topic) === name)
    if (!asked) return []
    const nothing = { ...asked, end, records: [], nextOffset: asked.offset }
    if (errorCode !== 0) return [{ ...nothing, failure: { code: errorCode } }]
    try {
      const { records, nextOffset } = await decodeBatches(content, asked, asked.offset, limits.maxBatchBytes)
      return [{ ...nothing, failure: null, records, nextOffset: Math.max(asked.offset, nextOffset ?? 0) }]
    } catch (error) {
      return [{ ...nothing, failure: { error } }]
    }
  }
  return (await Promise.all(answers.map(read))).flat()
}
