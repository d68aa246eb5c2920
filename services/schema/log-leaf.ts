import { z } from 'zod'
import { Sha256Hex } from './ids.ts'

/** What the transparency log says of one object of evidence: that it is there, and which bytes it has. Ids and hashes only. */
export const LogLeaf = z.strictObject({
  v: z.literal(1),
  kind: z.enum(['manifest']),
  key: z.string().min(1).max(900), // of the object in the evidence store
  sha256: Sha256Hex, // of its bytes
})
export type LogLeaf = z.infer<typeof LogLeaf>
