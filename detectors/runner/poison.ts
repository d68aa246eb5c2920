import type { BusRecord } from '#services/bus/bus.ts'
import type { RunnerContext } from './context.ts'
import { type Failure, guarded } from './guarded.ts'

const maxKnown = 1_000
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

/** The programs, and what they failed at on its way to the dead letters. */
export const createPoison = ({ programs, deadLetters, metrics, log }: RunnerContext) => {
  const known = new Set<string>() // pending events are done again and again
  let current: ReadonlyMap<string, BusRecord> = new Map()
  const waiting: { record: BusRecord; reason: string }[] = []

  const note = ({ where, observed, error }: Failure): void => {
    const key = `${where}\n${observed?.event.id}`
    if (known.has(key)) return
    known.add(key)
    if (known.size > maxKnown) known.delete(known.values().next().value!)
    metrics.failures.inc({ rule: where })
    log.error({ err: error, rule: where, event: observed?.event.id }, 'a rule failed, and goes on without it')
    const record = observed && current.get(observed.event.id)
    if (record) waiting.push({ record, reason: `the rule ${where} failed at it: ${nameOf(error)}` })
  }
  return {
    programs: guarded(programs, note),
    /** Of what is taken now, by event id. */
    taking: (records: ReadonlyMap<string, BusRecord>): void => {
      current = records
    },
    /** Durable when resolved: before what was taken is committed. */
    putAside: async (): Promise<void> => {
      for (let one = waiting[0]; one; one = waiting[0]) {
        await deadLetters.write(one.record, { code: 'BTZ_INTERNAL', reason: one.reason })
        waiting.shift()
      }
    },
  }
}
