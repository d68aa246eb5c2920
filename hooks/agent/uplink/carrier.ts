import type { SpoolRecord } from '../spool/record.ts'
import type { Verdict } from './verdict.ts'

/** What became of some records. `waitMs`: not to be tried again before. */
export type Carried = { verdict: Verdict; waitMs: number | null }

/** A way for what is spooled to the bus. */
export type Carrier = {
  /** Records of one type, in their order. Never rejects. Ends early at `signal`, not knowing what became of them. */
  carry(type: 'batch' | 'event', sent: readonly SpoolRecord[], signal: AbortSignal): Promise<Carried>
  /** There was trouble: the next call looks anew where things are. */
  lookAgain(): void
}

export const retryLater = (why: string, waitMs: number | null = null): Carried => ({
  verdict: { kind: 'retry', why },
  waitMs,
})
