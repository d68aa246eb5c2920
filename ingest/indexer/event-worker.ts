import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import { receivedEvent } from '#services/origin/received-event.ts'
import { decodeEvent } from '#services/schema/decode-event.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { IndexerContext } from './context.ts'
import { takeEach } from './run.ts'

const maxTogether = 500

type Taken = { record: BusRecord; event: SessionEvent }
/** Indexes one partition of session-events: decode → catalog → commit. */
export const createEventWorker = (
  ctx: IndexerContext,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const { catalog, clock, deadLetters, gate, metrics } = ctx
  const exclusively = createSerial()
  let nextOffset = 0
  let committed = 0
  let isDropped = false

  const put = async (taken: Taken[]): Promise<void> => {
    const { inserted, duplicates, refused = [] } = await catalog.putEvents(taken.map(({ event }) => event))
    for (const { index, reason } of refused)
      await deadLetters.write(taken[index]!.record, { code: 'BTZ_CATALOG_REFUSED', reason })
    metrics.events.inc(inserted)
    metrics.duplicateEvents.inc(duplicates)
  }
  const takeRun = async (records: BusRecord[], control: ConsumeControl): Promise<void> => {
    let taken: Taken[] = []
    await takeEach(records, control, clock, async (record) => {
      const decoded = decodeEvent(record.value)
      if ('reason' in decoded) await deadLetters.write(record, { code: 'BTZ_REQUEST_INVALID', reason: decoded.reason })
      else if (await gate.admits(record, decoded.event.bastion))
        taken.push({ record, event: receivedEvent(decoded.event, record) })
      if (taken.length < maxTogether) return
      await put(taken)
      taken = []
    })
    if (taken.length > 0) await put(taken)
    const last = records.at(-1)
    if (last && !control.signal.aborted) nextOffset = last.offset + 1
  }
  const commitDone = async (): Promise<void> => {
    if (isDropped || nextOffset <= committed) return
    await commit(nextOffset)
    committed = nextOffset
  }

  return {
    takeRun: (records, control) => exclusively(() => takeRun(records, control)),
    tick: () => exclusively(commitDone),
    drain: () => exclusively(commitDone),
    drop: () => {
      isDropped = true
    },
  }
}
