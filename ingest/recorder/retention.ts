import type { DaysFor, Recorded } from '#services/custody/retention-rules.ts'

const dayMs = 86_400_000

/** The end of the UTC day, so that all blocks of a session of one day share their date and need no extension. */
export const retainUntil = (nowMs: number, retentionDays: number): Date =>
  new Date((Math.floor(nowMs / dayMs) + 1 + retentionDays) * dayMs)

export type Retaining = { clock: { now(): number }; retentionDays: number; daysFor?: DaysFor }

/** `recorded`: null = not known yet; the seal knows, and extends what was put until then. */
export const sessionRetainUntil = ({ clock, retentionDays, daysFor }: Retaining, recorded: Recorded | null): Date => {
  const days = recorded === null ? 0 : (daysFor?.(recorded) ?? 0)
  return retainUntil(clock.now(), Math.max(retentionDays, days))
}
