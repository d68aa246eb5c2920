import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { Decoded } from '#services/schema/decode-record.ts'
import type { IndexerContext } from './context.ts'
import { takeEach } from './run.ts'

const maxTogether = 500

export type Taken<Row> = { record: BusRecord; row: Row }
export type Rows<Row> = {
  decode(record: BusRecord): Decoded<Row>
  /** Whom the row speaks for. */
  bastionOf(row: Row): string
  /** Durable when resolved; what can never be put is a dead letter then. */
  put(taken: Taken<Row>[]): Promise<void>
  /** What time demands, after what was taken; not while a run that failed is to come again. */
  tick?(): Promise<void>
}

/** Indexes one partition of records that are a row each: decode → catalog → commit. */
export const createRowWorker = <Row>(
  { clock, deadLetters, gate }: Pick<IndexerContext, 'clock' | 'deadLetters' | 'gate'>,
  { decode, bastionOf, put, tick }: Rows<Row>,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const exclusively = createSerial()
  let nextOffset = 0
  let committed = 0
  let isDropped = false
  let isBehind = false

  const takeRun = async (records: BusRecord[], control: ConsumeControl): Promise<void> => {
    let taken: Taken<Row>[] = []
    isBehind = true
    await takeEach(records, control, clock, async (record) => {
      const decoded = decode(record)
      if ('reason' in decoded) await deadLetters.write(record, { code: 'BTZ_REQUEST_INVALID', reason: decoded.reason })
      else if (await gate.admits(record, bastionOf(decoded.value))) taken.push({ record, row: decoded.value })
      if (taken.length < maxTogether) return
      await put(taken)
      taken = []
    })
    if (taken.length > 0) await put(taken)
    const last = records.at(-1)
    if (last && !control.signal.aborted) nextOffset = last.offset + 1
    isBehind = false
  }
  const commitDone = async (): Promise<void> => {
    if (isDropped || nextOffset <= committed) return
    await commit(nextOffset)
    committed = nextOffset
  }

  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick: () =>
      exclusively(async () => {
        await commitDone()
        if (!isDropped && !isBehind) await tick?.()
      }),
    drain: () => exclusively(commitDone),
    drop: () => {
      isDropped = true
    },
  }
}
