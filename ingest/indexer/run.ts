import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'

const heartbeatMs = 2_000

/** Takes the records of a run one after another, tells the bus that work goes on, and stops when it is told to. */
export const takeEach = async (
  records: readonly BusRecord[],
  { heartbeat, signal }: ConsumeControl,
  clock: Clock,
  take: (record: BusRecord) => Promise<void>,
): Promise<void> => {
  let beatMs = clock.now()
  for (const record of records) {
    if (signal.aborted) return
    await take(record)
    if (Math.abs(clock.now() - beatMs) < heartbeatMs) continue
    await heartbeat()
    beatMs = clock.now()
  }
}
