import type { NewRecord } from './bus.ts'
import { recordBytes } from './record-codec.ts'

/** One batch of the protocol. A larger call is several, a larger record one by itself. */
const maxBatchBytes = 1024 * 1024
const maxBatchRecords = 10_000

export type PartitionQueue = {
  /** @returns the offset of each record */
  append(records: NewRecord[]): Promise<number[]>
}
type Waiting = { records: NewRecord[]; bytes: number; settle: PromiseWithResolvers<number[]> }

const bytesOf = (records: NewRecord[]): number => records.reduce((sum, record) => sum + recordBytes(record), 0)

/** How many of the waiting calls go together: at least one. */
const countNext = (waiting: Waiting[]): number => {
  let bytes = 0
  let records = 0
  const end = waiting.findIndex((call) => {
    bytes += call.bytes
    records += call.records.length
    return bytes > maxBatchBytes || records > maxBatchRecords
  })
  return end === -1 ? waiting.length : Math.max(end, 1)
}

const batchesOf = (records: NewRecord[]): NewRecord[][] => {
  const batches: NewRecord[][] = []
  let bytes = 0
  for (const record of records) {
    const more = recordBytes(record)
    const batch = batches.at(-1)
    if (batch && bytes + more <= maxBatchBytes && batch.length < maxBatchRecords) batch.push(record)
    else batches.push([record])
    bytes = batches.at(-1) === batch ? bytes + more : more
  }
  return batches
}

/**
 * One send at a time to a partition, so that its order is that of the calls; what comes meanwhile shares the next one.
 * A failed send fails what waits behind it too: a later record of a key must not overtake one that is sent again.
 */
export const createPartitionQueue = (send: (batch: NewRecord[]) => Promise<number>): PartitionQueue => {
  let waiting: Waiting[] = []
  let isRunning = false

  const sendAll = async (records: NewRecord[]): Promise<number[]> => {
    const offsets: number[] = []
    for (const batch of batchesOf(records)) {
      const baseOffset = await send(batch)
      for (const [count] of batch.entries()) offsets.push(baseOffset + count)
    }
    return offsets
  }
  const sendNext = async (): Promise<void> => {
    const calls = waiting.splice(0, countNext(waiting))
    try {
      const offsets = await sendAll(calls.flatMap(({ records }) => records))
      let from = 0
      for (const { records, settle } of calls) {
        settle.resolve(offsets.slice(from, from + records.length))
        from += records.length
      }
    } catch (error) {
      const failed = [...calls, ...waiting]
      waiting = []
      for (const { settle } of failed) settle.reject(error)
    }
  }
  const run = async (): Promise<void> => {
    while (waiting.length > 0) await sendNext()
    isRunning = false
  }
  return {
    append(records) {
      const settle = Promise.withResolvers<number[]>()
      waiting.push({ records, bytes: bytesOf(records), settle })
      if (!isRunning) {
        isRunning = true
        // One turn later: calls made in the same turn share the first send.
        queueMicrotask(() => void run())
      }
      return settle.promise
    },
  }
}
