import { z } from 'zod'
import { CoverageDay } from './coverage.ts'
import { BastionName, SessionId, Sha256Hex } from './ids.ts'
import { SessionState } from './session.ts'

/** What was said of a bastion's UTC day when it was over: how many sessions were seen, how many are whole, and which are not. */

export const maxListed = 400 // sessions named in one statement: it has to fit into a signed note

export const Statement = z.strictObject({
  format: z.literal(1),
  ...CoverageDay.shape,
  gaps: z.strictObject(CoverageDay.shape.gaps.shape),
  bastion: BastionName,
  number: z.number().int().min(1).max(9_999), // a correction has the next one
  at: z.iso.datetime(),
  replaces: Sha256Hex.nullable(), // of the statement before, where it was corrected
  /** Which sessions have the gaps, the first of them. */
  listed: z.array(z.strictObject({ sessionId: SessionId, state: SessionState })).max(maxListed),
  unlisted: z.number().int().nonnegative(),
})
export type Statement = z.infer<typeof Statement>
