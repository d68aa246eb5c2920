import { z } from 'zod'

/** How complete the record of a bastion's UTC day is. */

const count = z.number().int().nonnegative()
export const CoverageDate = z.iso.date() // UTC

export const CoverageDay = z.object({
  bastion: z.string(),
  date: CoverageDate,
  seen: count, // sessions that started on it and that any source saw; what was started in another session is part of that
  complete: count,
  open: count,
  gaps: z.object({
    missing: count,
    truncated: count,
    recorder_killed: count,
    late: count,
    tunnel_only: count,
  }),
  agentSilentMs: count,
})
export type CoverageDay = z.infer<typeof CoverageDay>
