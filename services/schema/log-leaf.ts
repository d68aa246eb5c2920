import { z } from 'zod'
import { Sha256Hex } from './ids.ts'

/**
 * What the transparency log says of one thing: that it is there, and which bytes it has. Ids and hashes only.
 * `manifest`: of a session · `events`: a block of events · `act`: of custody · `access`: somebody saw content ·
 * `statement`: of a bastion's day.
 */
export const LogLeaf = z.strictObject({
  v: z.literal(1),
  kind: z.enum(['manifest', 'events', 'act', 'access', 'statement']),
  key: z.string().min(1).max(900), // of the object in the evidence store; of an access: the id of its event
  sha256: Sha256Hex, // of its bytes; of an access: of the event as it was said
})
export type LogLeaf = z.infer<typeof LogLeaf>
