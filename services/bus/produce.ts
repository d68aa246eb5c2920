import { BartizanError } from '../errors.ts'
import { createAdmission } from './admission.ts'
import type { NewRecord, Placed, Topic, TopicPartition } from './bus.ts'
import { partitionOfKey } from './key-partition.ts'
import { headBytes, recordBytes } from './record-codec.ts'

export type ProduceOptions = {
  partitionCount(topic: Topic): number // 0: there is no such topic
  maxRecordBytes: number
  /** Writes records of one partition, durably, and gives the offset of each. */
  append(at: TopicPartition, records: NewRecord[]): Promise<number[]>
}

type Share = { at: TopicPartition; records: NewRecord[]; positions: number[] }

const checkedBytes = (records: NewRecord[], { partitionCount, maxRecordBytes }: ProduceOptions): number => {
  let sumBytes = 0
  for (const record of records) {
    if (partitionCount(record.topic) === 0) {
      throw new BartizanError('BTZ_BUS_UNKNOWN_TOPIC', `the bus has no topic ${record.topic}`)
    }
    const bytes = recordBytes(record)
    if (bytes > maxRecordBytes) {
      const what = `a record of ${record.topic} has ${bytes} bytes, the limit is ${maxRecordBytes}`
      throw new BartizanError('BTZ_BUS_RECORD_TOO_LARGE', what)
    }
    sumBytes += headBytes + bytes
  }
  return sumBytes
}

const share = (records: NewRecord[], partitionCount: ProduceOptions['partitionCount']): Share[] => {
  const shares = new Map<string, Share>()
  for (const [position, record] of records.entries()) {
    const { topic } = record
    const partition = partitionOfKey(record.key, partitionCount(topic))
    const mine = shares.get(`${topic}/${partition}`) ?? { at: { topic, partition }, records: [], positions: [] }
    shares.set(`${topic}/${partition}`, mine)
    mine.records.push(record)
    mine.positions.push(position)
  }
  return [...shares.values()]
}

/** Partitions are written by themselves: all are waited for, then the first failure is the call's. */
const appendAll = async (records: NewRecord[], { partitionCount, append }: ProduceOptions): Promise<Placed[]> => {
  const placed: Placed[] = []
  const appending = share(records, partitionCount).map(async ({ at, records, positions }) => {
    const offsets = await append(at, records)
    for (const [count, position] of positions.entries()) placed[position] = { ...at, offset: offsets[count]! }
  })
  for (const result of await Promise.allSettled(appending)) if (result.status === 'rejected') throw result.reason
  return placed
}

export const createProduce = (options: ProduceOptions) => {
  const admit = createAdmission()
  return async (records: NewRecord[]): Promise<Placed[]> => {
    const bytes = checkedBytes(records, options)
    return admit(bytes, () => appendAll(records, options))
  }
}
