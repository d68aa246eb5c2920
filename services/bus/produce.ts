import { BartizanError } from '../errors.ts'
import { createAdmission } from './admission.ts'
import type { NewRecord, Placed } from './bus.ts'
import { partitionOfKey } from './key-partition.ts'
import type { OpenLog } from './open-log.ts'
import { encodeFrame, headBytes, recordBytes } from './record-codec.ts'

type Share = { at: Pick<Placed, 'topic' | 'partition'>; frames: Buffer[]; positions: number[] }

const checkedBytes = (records: NewRecord[], log: OpenLog, maxRecordBytes: number): number => {
  let sumBytes = 0
  for (const record of records) {
    if (log.partitionCount(record.topic) === 0) {
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

const share = (records: NewRecord[], log: OpenLog): Share[] => {
  const shares = new Map<string, Share>()
  for (const [position, record] of records.entries()) {
    const { topic } = record
    const partition = partitionOfKey(record.key, log.partitionCount(topic))
    const mine = shares.get(`${topic}/${partition}`) ?? { at: { topic, partition }, frames: [], positions: [] }
    shares.set(`${topic}/${partition}`, mine)
    mine.frames.push(encodeFrame(record))
    mine.positions.push(position)
  }
  return [...shares.values()]
}

/** Each partition is its own file and sync: all are waited for, then the first failure is the call's. */
const append = async (records: NewRecord[], log: OpenLog): Promise<Placed[]> => {
  const placed: Placed[] = []
  const appending = share(records, log).map(async ({ at, frames, positions }) => {
    const firstOffset = await log.at(at).log.append(frames)
    for (const [count, position] of positions.entries()) placed[position] = { ...at, offset: firstOffset + count }
  })
  for (const result of await Promise.allSettled(appending)) if (result.status === 'rejected') throw result.reason
  return placed
}

export const createProduce = (log: OpenLog, maxRecordBytes: number) => {
  const admit = createAdmission()
  return async (records: NewRecord[]): Promise<Placed[]> => {
    const bytes = checkedBytes(records, log, maxRecordBytes)
    return admit(bytes, () => append(records, log))
  }
}
