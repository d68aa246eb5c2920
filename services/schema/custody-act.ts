import { z } from 'zod'
import { Role } from './access.ts'
import { SessionId, Sha256Hex } from './ids.ts'

/**
 * What people did with evidence, as evidence itself: who asked, who agreed, and why. It outlives what it is about, so it
 * holds ids, hashes and the people who decided, and nothing of what was recorded.
 */

const ActId = z.uuidv7()
const text = (max: number) => z.string().min(1).max(max)
const at = z.iso.datetime()

export const ActPerson = z.strictObject({
  did: z.enum(['requested', 'approved']),
  name: text(128),
  role: Role,
  id: text(128), // of the token or sign-in
})
export type ActPerson = z.infer<typeof ActPerson>

const base = {
  format: z.literal(1),
  id: ActId,
  at,
  nonce: Sha256Hex, // 32 random bytes: nobody who knows the hash in the log can guess what was done
  reason: text(1024),
  by: z.array(ActPerson).min(1).max(2),
}
const ofSession = { ...base, sessionId: SessionId }
/** Some of what has been sent on and is out of reach. */
const Copies = z.strictObject({
  destination: text(128),
  items: z.number().int().nonnegative().nullable(),
  detail: z.string().max(512),
})

export const maxDisposed = 250 // in one act

export const CustodyAct = z.discriminatedUnion('kind', [
  z.strictObject({ ...ofSession, kind: z.literal('retention'), until: at }),
  z.strictObject({ ...ofSession, kind: z.literal('hold'), holdId: ActId }),
  z.strictObject({ ...ofSession, kind: z.literal('release'), holdId: ActId }),
  z.strictObject({
    ...ofSession,
    kind: z.literal('erasure'),
    state: z.enum(['erasing', 'erased']),
    until: at, // when the last copy that is not out of reach ends: bus, backups
    copies: z.array(Copies).max(100),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('disposal'),
    objects: z
      .array(
        z.strictObject({ key: text(900), versionId: z.string().max(1024).nullable(), retainedUntil: at.nullable() }),
      )
      .min(1)
      .max(maxDisposed),
  }),
])
export type CustodyAct = z.infer<typeof CustodyAct>
export type ActKind = CustodyAct['kind']
