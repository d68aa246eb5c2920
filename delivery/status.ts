import { z } from 'zod'
import type { Clock } from '#services/clock.ts'
import { SinkGone } from '#services/sinks/sink.ts'

/** How a destination is; kept in the state store for whoever asks, in whichever process. */
export const SinkStatus = z.object({
  state: z.enum(['ok', 'retrying', 'disabled', 'waiting']), // disabled: it wants no more; waiting: another process serves it
  lastSeq: z.number().int(), // 0: nothing yet
  lastTakenAt: z.string().nullable(),
  lagRecords: z.number().int(),
  lagSeconds: z.number(),
  failures: z.number().int(),
  lastError: z.string().nullable(),
  at: z.string(),
})
export type SinkStatus = z.infer<typeof SinkStatus>

const maxErrorLength = 300

/** What the flow tells, and what it comes to. */
export const createStatusKeeper = (clock: Clock) => {
  let current: Omit<SinkStatus, 'at' | 'lagSeconds' | 'lagRecords'> = {
    state: 'waiting',
    lastSeq: 0,
    lastTakenAt: null,
    failures: 0,
    lastError: null,
  }
  let oldestMs: number | null = null
  const iso = (): string => new Date(clock.now()).toISOString()
  return {
    failed: (error: unknown, failures: number): void => {
      const state = error instanceof SinkGone ? 'disabled' : 'retrying'
      const lastError = (error instanceof Error ? error.message : 'error').slice(0, maxErrorLength)
      current = { ...current, state, failures, lastError }
    },
    taken: (lastSeq: number): void => {
      current = { ...current, state: 'ok', lastSeq, lastTakenAt: iso(), failures: 0, lastError: null }
    },
    oldest: (ms: number | null): void => {
      oldestMs = ms
    },
    serving: (isServing: boolean): void => {
      if (!isServing) current = { ...current, state: 'waiting' }
      else if (current.state === 'waiting') current = { ...current, state: 'ok' }
    },
    isWell: (): boolean => current.state === 'ok',
    isServing: (): boolean => current.state !== 'waiting',
    lagMs: (): number => (oldestMs === null ? 0 : Math.max(0, clock.now() - oldestMs)),
    read(lagRecords: number): SinkStatus {
      return { ...current, lagRecords, lagSeconds: Math.round(this.lagMs() / 1_000), at: iso() }
    },
  }
}
export type StatusKeeper = ReturnType<typeof createStatusKeeper>
