import type { Cluster } from 'kafkajs'
import { BartizanError } from '../errors.ts'
import type { BusRecord, Topic, TopicPartition } from './bus.ts'
import { fetchFrom } from './kafka-fetch.ts'
import { keyOf, onLeaders, readBounds } from './kafka-offsets.ts'

const maxWaitMs = 500
const topicAuthorizationFailed = 29 // Kafka protocol, error codes
const manyBytes = 1024 * 1024
/** A broker sends at least one batch, whatever the limit. */
const fewBytes = 1

export type ReadOptions = { cluster: Cluster; nameOf(topic: Topic): string; maxBatchBytes: number }

const fetchOne = async (
  { cluster, nameOf, maxBatchBytes }: ReadOptions,
  at: TopicPartition,
  offset: number,
  maxBytes: number,
) => {
  const [leader] = Object.keys(cluster.findLeaderForPartitions(nameOf(at.topic), [at.partition]))
  const broker = await cluster.findBroker({ nodeId: leader! })
  const [fetched] = await fetchFrom(broker, [{ ...at, offset }], nameOf, {
    maxWaitMs,
    maxBytes,
    maxPartitionBytes: maxBytes,
    maxBatchBytes,
  })
  const failure = fetched?.failure
  if (fetched && !failure) return fetched
  if (failure && 'error' in failure) throw failure.error
  if (failure?.code === topicAuthorizationFailed)
    throw new BartizanError('BTZ_FORBIDDEN', `${keyOf(at)} may not be read with these credentials`)
  throw new Error(`${keyOf(at)} cannot be read: error ${failure?.code}`)
}

/** `limit` records from `offset`, or the oldest kept, on. */
export const readRecords = async (
  options: ReadOptions,
  at: TopicPartition,
  offset: number,
  limit: number,
): Promise<BusRecord[]> => {
  const { cluster, nameOf } = options
  const bounds = await onLeaders(cluster, () => readBounds(cluster, [at], nameOf))
  const { start, end } = bounds.get(keyOf(at))!
  const records: BusRecord[] = []
  for (let next = Math.max(offset, start); next < end && records.length < limit; ) {
    const fetched = await onLeaders(cluster, () => fetchOne(options, at, next, limit === 1 ? fewBytes : manyBytes))
    for (const record of fetched.records.slice(0, limit - records.length)) records.push(record)
    next = fetched.nextOffset
  }
  return records
}
