import { setTimeout as sleep } from 'node:timers/promises'
import type { BusRecord, ConsumeControl, RecordRun } from '#services/bus/bus.ts'

const heartbeatMs = 2_000
export const maxRunBytes = 256 * 1024

export const nameOf = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`

export type Taken = { records: BusRecord[]; next: Record<string, number> }
export type Limits = { items: number; bytes: number; waitMs: number }

type Waiting = { records: BusRecord[]; at: number; signal: AbortSignal; done: () => void }

/**
 * What the bus has handed over and is not sent yet: one run per partition at most, since the next one comes when this one is
 * taken. So memory is bounded, however long the destination is away.
 */
export const createIntake = () => {
  const runs = new Set<Waiting>()
  let wake = Promise.withResolvers<void>()
  const stir = (): void => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const live = (): Waiting[] => {
    for (const run of runs) if (run.signal.aborted) runs.delete(run)
    return [...runs]
  }
  const size = (): { items: number; bytes: number } => {
    let [items, bytes] = [0, 0]
    for (const { records, at } of live()) {
      items += records.length - at
      for (let n = at; n < records.length; n++) bytes += records[n]!.value.byteLength
    }
    return { items, bytes }
  }
  /** More waits on the bus, or the rest of a run was waited for already. */
  const isBehind = (bytes: number): boolean => bytes >= maxRunBytes / 2 || live().some(({ at }) => at > 0)
  const changed = async (ms: number, signal: AbortSignal): Promise<void> => {
    const timer = new AbortController()
    const stop = AbortSignal.any([signal, timer.signal])
    await Promise.race([wake.promise, sleep(ms, undefined, { signal: stop }).catch(() => {})])
    timer.abort()
  }
  const takeNow = ({ items, bytes }: Limits): Taken => {
    const taken: Taken = { records: [], next: {} }
    let room = bytes
    for (const run of live()) {
      while (run.at < run.records.length && taken.records.length < items) {
        const record = run.records[run.at]!
        if (record.value.byteLength > room && taken.records.length > 0) return taken
        room -= record.value.byteLength
        taken.records.push(record)
        taken.next[nameOf(record)] = record.offset + 1
        run.at++
      }
      if (run.at < run.records.length) return taken
      runs.delete(run)
      run.done()
    }
    return taken
  }

  return {
    /** Resolves when all of it was taken; meanwhile the group knows that we are at work. */
    offer: async ({ records }: RecordRun, { heartbeat, signal }: ConsumeControl): Promise<void> => {
      if (records.length === 0 || signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const done = (): void => resolve()
      runs.add({ records, at: 0, signal, done })
      signal.addEventListener('abort', done, { once: true })
      stir()
      let isDone = false
      const taken = promise.then(() => {
        isDone = true
      })
      while (!isDone) {
        const beat = new AbortController()
        await Promise.race([taken, sleep(heartbeatMs, undefined, { signal: beat.signal }).catch(() => {})])
        beat.abort()
        // What is wrong with the membership shows in the signal.
        if (!isDone) await heartbeat().catch(() => {})
      }
      signal.removeEventListener('abort', done)
    },
    /** Waits up to `idleMs` for the first record, and from then on until limits are reached; may take nothing. */
    take: async (limits: Limits, idleMs: number, signal: AbortSignal): Promise<Taken> => {
      if (size().items === 0) await changed(idleMs, signal)
      const end = performance.now() + limits.waitMs
      for (let held = size(); held.items > 0 && !signal.aborted; held = size()) {
        const leftMs = end - performance.now()
        if (held.items >= limits.items || held.bytes >= limits.bytes || leftMs <= 0 || isBehind(held.bytes)) break
        await changed(leftMs, signal)
      }
      return signal.aborted ? { records: [], next: {} } : takeNow(limits)
    },
    /** When the bus took the oldest record here; null when there is none. */
    oldestMs: (): number | null => {
      const times = live().map(({ records, at }) => records[at]?.timestampMs ?? Number.POSITIVE_INFINITY)
      return times.length === 0 ? null : Math.min(...times)
    },
  }
}
export type Intake = ReturnType<typeof createIntake>
