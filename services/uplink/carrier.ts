import type { Sendable, Verdict } from './verdict.ts'

/** What became of some records. `waitMs`: not to be tried again before. */
export type Carried = { verdict: Verdict; waitMs: number | null }

/** A way for what is kept here to the bus. */
export type Carrier = {
  /** Records of one type, in their order. Never rejects. Ends early at `signal`, not knowing what became of them. */
  carry(type: 'batch' | 'event', sent: readonly Sendable[], signal: AbortSignal): Promise<Carried>
  /** There was trouble: the next call looks anew where things are. */
  lookAgain(): void
}

export const retryLater = (why: string, waitMs: number | null = null): Carried => ({
  verdict: { kind: 'retry', why },
  waitMs,
})
