import type { BusRecord, ConsumeControl } from '#services/bus/bus.ts'

export const maxTogether = 1_000

type Taking = {
  /** Records before it were taken: a run that failed comes again. */
  nextOffset(): number
  isDropped(): boolean
  take(records: BusRecord[]): Promise<void>
}

/** A run of records, part by part, as long as the partition is held. */
export const takeInParts = async (
  records: readonly BusRecord[],
  { heartbeat, signal }: ConsumeControl,
  { nextOffset, isDropped, take }: Taking,
): Promise<void> => {
  const left = records.filter(({ offset }) => offset >= nextOffset())
  for (let from = 0; from < left.length; from += maxTogether) {
    if (isDropped() || signal.aborted) return
    if (from > 0) await heartbeat()
    await take(left.slice(from, from + maxTogether))
  }
}
