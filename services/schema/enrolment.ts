import { z } from 'zod'
import { HostName } from './host-name.ts'
import { BastionName } from './ids.ts'

/** What an agent and the receiver say to each other about the agent's certificate. */

const publicKey = z.base64().max(512) // SPKI in DER, of P-256

/** POST /api/agents/enrol. `keyId`: of the key that signs what the agent records, null where there is none yet. */
export const EnrolRequest = z.object({
  bastion: BastionName,
  code: z.string().max(128),
  publicKey,
  keyId: z.string().max(64).nullable(),
})
export type EnrolRequest = z.infer<typeof EnrolRequest>

/** `isSigningKeyRevoked`: the agent has to make another before what it signs is taken. */
export const EnrolAnswer = z.object({ certificate: z.string().max(16_384), isSigningKeyRevoked: z.boolean() })
export type EnrolAnswer = z.infer<typeof EnrolAnswer>

/** POST /api/agents/certificate, by the certificate that is to be replaced. */
export const RenewRequest = z.object({ publicKey })
export const RenewAnswer = z.object({ certificate: z.string().max(16_384) })

/** GET /api/agents/certificate: who the receiver takes this agent for. */
export const CertificateAnswer = z.object({ bastion: BastionName })

/** POST /api/agents/:bastion/codes, by an administrator. */
export const NewCode = z
  .strictObject({
    forMs: z.number().int().min(10_000).max(86_400_000),
    relay: BastionName.optional(), // through which the agent is enrolled, and which then may speak for it
    relayNames: z.array(HostName).min(1).max(16).optional(), // it is itself a relay, which agents reach by these
  })
  .refine(({ relay, relayNames }) => !relay || !relayNames, 'there are no relays behind relays')
export type NewCode = z.infer<typeof NewCode>
export const CodeAnswer = z.object({
  url: z.url(),
  caSha256: z.string().max(64),
  code: z.string().max(128),
  expiresAt: z.iso.datetime(),
  command: z.string().max(1024), // to be run on the bastion
})
