import { createHash } from 'node:crypto'
import type { Broker } from 'kafkajs'
import { compactString, int8, sendTo, unsignedVarint, type WireReader } from './kafka-wire.ts'

export type TopicMetadata = { id: string; partitions: number; replicas: number }

const noTags = unsignedVarint(0)
const noId = Buffer.alloc(16)

/** Metadata, version 10: the first in which the brokers tell topic ids. It is a flexible version: its header has tags too. */
const requestBody = (names: string[]): Buffer =>
  Buffer.concat([
    noTags,
    unsignedVarint(names.length + 1),
    ...names.flatMap((name) => [noId, compactString(name), noTags]),
    int8(0), // create no topic
    int8(0),
    int8(0),
    noTags,
  ])

const compactLength = (answer: WireReader): number => Math.max(answer.unsignedVarint() - 1, 0)

const skipBrokers = (answer: WireReader): void => {
  for (let count = compactLength(answer); count > 0; count--) {
    answer.skip(4)
    answer.compactString()
    answer.skip(4)
    answer.compactString()
    answer.skipTags()
  }
}

/** @returns how many replicas the partition has */
const readPartition = (answer: WireReader): number => {
  answer.skip(2 + 4 + 4 + 4)
  const [replicas] = [0, 1, 2].map(() => {
    const count = compactLength(answer)
    answer.skip(4 * count)
    return count
  })
  answer.skipTags()
  return replicas!
}

const decode = (answer: WireReader): Map<string, TopicMetadata> => {
  answer.skipTags()
  answer.skip(4)
  skipBrokers(answer)
  answer.compactString()
  answer.skip(4)
  const found = new Map<string, TopicMetadata>()
  for (let count = compactLength(answer); count > 0; count--) {
    const errorCode = answer.int16()
    const name = answer.compactString()
    const id = answer.bytes(16)
    answer.skip(1)
    const replicas = Array.from({ length: compactLength(answer) }, () => readPartition(answer))
    answer.skip(4)
    answer.skipTags()
    if (errorCode !== 0 || name === null) continue
    found.set(name, { id: id.toString('hex'), partitions: replicas.length, replicas: Math.min(...replicas) })
  }
  return found
}

/** By name, of the topics that exist and may be described. A topic that is made anew gets another id. */
export const readTopics = (broker: Broker, names: string[]): Promise<Map<string, TopicMetadata>> =>
  sendTo(broker, { apiKey: 3, apiVersion: 10, apiName: 'Metadata', body: requestBody(names), decode })

/** A UUID (version 8) that is another one as soon as one of the topics is made anew. */
export const busIdOf = (topicIds: ReadonlyMap<string, string>): string => {
  const lines = [...topicIds].sort().map(([name, id]) => `${name} ${id}\n`)
  const bytes = createHash('sha256')
    .update(`bartizan bus id v0\n${lines.join('')}`)
    .digest()
    .subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
