import type { Request } from 'express'
import { may, mayWriteFor } from '#services/access/permissions.ts'
import type { Tokens } from '#services/access/tokens.ts'
import type { Enrolments } from '#services/agents/enrolments.ts'
import { BartizanError } from '#services/errors.ts'
import { relayOf } from '#services/pki/agent-name.ts'
import type { Principal } from '#services/schema/access.ts'
import { certificateOf } from './connection.ts'

/** Whoever may write; checked before a byte of the body is read. */
export type Sender = {
  mayWriteFor(bastion: string): boolean
  /** Its own; null: it has none, and may write for any. */
  bastion: string | null
  /** Its name, where it is a relay, which speaks for the bastions that were enrolled through it. */
  relay: string | null
}
export type Identify = (request: Request) => Promise<Sender>
export type Credentials = {
  tokens: Pick<Tokens, 'verify'>
  enrolments: Pick<Enrolments, 'verify' | 'behind'>
}

const maxHeaderLength = 512

const bearerOf = ({ headers: { authorization } }: Request): string => {
  const isBearer = authorization !== undefined && /^Bearer /i.test(authorization)
  if (isBearer && authorization.length <= maxHeaderLength) return authorization.slice('Bearer '.length).trim()
  throw new BartizanError('BTZ_AUTH_REQUIRED', 'a certificate or a token is needed', {
    hint: 'enrol the agent, or send a token of `bartizan token create --role ingest --bastion NAME` as Authorization: Bearer …',
  })
}

const senderOf = (principal: Principal): Sender => {
  if (may(principal.role, 'ingest.write'))
    return { mayWriteFor: (bastion) => mayWriteFor(principal, bastion), bastion: principal.bastion, relay: null }
  throw new BartizanError('BTZ_FORBIDDEN', `a token with role ${principal.role} may not send recordings`)
}

/** A certificate, where one is shown, else a token. @throws BTZ_AUTH_REQUIRED BTZ_FORBIDDEN */
export const identifySender = async ({ tokens, enrolments }: Credentials, request: Request): Promise<Sender> => {
  const certificate = certificateOf(request)
  const principal = certificate ? await enrolments.verify(certificate) : await tokens.verify(bearerOf(request))
  if (principal === null) throw new BartizanError('BTZ_AUTH_REQUIRED', 'the token is unknown or revoked')
  const sender = senderOf(principal)
  const relay = certificate && relayOf(certificate)
  if (relay === null) return sender
  const behind = new Set((await enrolments.behind(relay)).map(({ bastion }) => bastion))
  return { ...sender, mayWriteFor: (bastion) => sender.mayWriteFor(bastion) || behind.has(bastion), relay }
}
