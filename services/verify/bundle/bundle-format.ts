import { hash } from 'node:crypto'
import { z } from 'zod'
import { SessionId, Sha256Hex } from '../../schema/ids.ts'
import { LogLeaf } from '../../schema/log-leaf.ts'

/**
 * One session to be verified elsewhere, as a ustar archive of one folder named after it. In this order: what follows here,
 * then the objects of the session under their keys in the store, then the SHA-256 of all of them as sha256sum(1) prints it.
 */
export const files = {
  readMe: 'README.md',
  about: 'bundle.json',
  logKey: 'log.pub',
  checkpoint: 'checkpoint',
  proofs: 'proofs.json',
  agents: 'agents.json',
  sessionKey: 'session.key', // base64; only where it was asked for
  sums: 'SHA256SUMS',
} as const

const maxLeaves = 10_000
const Hash = z.base64().length(44)

export const About = z.strictObject({
  format: z.literal(1),
  sessionId: SessionId,
  objects: z.number().int().nonnegative(),
})
export type About = z.infer<typeof About>

/** RFC 9162, 2.1.3: each leaf stands at its index under the checkpoint. */
export const Proofs = z.strictObject({
  leaves: z
    .array(z.strictObject({ leaf: LogLeaf, index: z.number().int().nonnegative(), proof: z.array(Hash).max(63) }))
    .max(maxLeaves),
})
export type Proofs = z.infer<typeof Proofs>

/** The keys that were registered for the session's bastion when the bundle was made. */
export const Agents = z.strictObject({
  bastion: z.string().max(253),
  keys: z
    .array(
      z.strictObject({
        keyId: Sha256Hex,
        publicKey: Hash, // raw Ed25519
        purpose: z.enum(['agent', 'import']),
        revokedAt: z.iso.datetime().nullable(),
      }),
    )
    .max(10_000),
})
export type Agents = z.infer<typeof Agents>

export const sumLine = (bytes: Uint8Array, name: string): string => `${hash('sha256', bytes, 'hex')}  ${name}\n`
