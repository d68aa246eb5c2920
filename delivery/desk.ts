import { z } from 'zod'
import { Severity } from '#services/schema/alert.ts'

const count = z.number().int().nonnegative()

/** What a notifying destination counts until its next digest, and how much it has said lately. */
export const Desk = z.object({
  storm: z.object({ sinceMs: z.number(), sent: count, held: count, highest: Severity }),
  digest: z.object({
    sinceMs: z.number(),
    lastDate: z.string(), // in the digest's zone: the day of the last one
    rules: z.record(z.string(), count), // "rule severity"
    findings: z.record(z.string(), z.object({ count, attempts: count })),
    suppressed: count,
    capped: count,
    past: count,
  }),
})
export type Desk = z.infer<typeof Desk>
type Digest = Desk['digest']

export const emptyDigest = (sinceMs: number, lastDate: string): Digest => ({
  sinceMs,
  lastDate,
  rules: {},
  findings: {},
  suppressed: 0,
  capped: 0,
  past: 0,
})
export const newDesk = (nowMs: number, today: string): Desk => ({
  storm: { sinceMs: nowMs, sent: 0, held: 0, highest: 'info' },
  digest: emptyDigest(nowMs, today),
})
