import type { DeadLetterCause } from '#ingest/dead-letters.ts'
import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createSerial } from '#services/bus/serial.ts'
import { isByAgent } from '#services/origin/seal.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import type { IndexerContext } from './context.ts'
import { takeEach } from './run.ts'

const maxTogether = 500

type Taken = { record: BusRecord; event: SessionEvent }
type Decoded = { event: SessionEvent } | { cause: DeadLetterCause }

const poison = (reason: string): Decoded => ({ cause: { code: 'BTZ_REQUEST_INVALID', reason } })

/** The reason names members and rules, nothing of what the record says. */
export const decodeEvent = (value: Uint8Array): Decoded => {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))
  } catch {
    return poison('not JSON')
  }
  const result = SessionEvent.safeParse(parsed)
  if (result.success) return { event: result.data }
  return poison(result.error.issues.map(({ path, code }) => `${path.join('.')}: ${code}`).join(', '))
}

/** An agent that writes to the bus by itself has its events received by the bus, and no word in when that was. */
const received = (event: SessionEvent, record: BusRecord): SessionEvent =>
  isByAgent(record) ? { ...event, receivedAt: new Date(record.timestampMs).toISOString() } : event

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
      if ('cause' in decoded) await deadLetters.write(record, decoded.cause)
      else if (await gate.admits(record, decoded.event.bastion))
        taken.push({ record, event: received(decoded.event, record) })
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
