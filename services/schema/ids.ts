import { z } from 'zod'

/** UUIDv7, lower case: sorts by time, safe in file names and URLs. */
export const SessionId = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'not a session id')
  .brand<'SessionId'>()
export type SessionId = z.infer<typeof SessionId>

/** Host name of a bastion, as its operator names it. Bound to the agent's token. */
export const BastionName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, 'not a host name')
export type BastionName = z.infer<typeof BastionName>

export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hex')
