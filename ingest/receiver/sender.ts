import type { Request } from 'express'
import { may, mayWriteFor } from '#services/access/permissions.ts'
import type { Tokens } from '#services/access/tokens.ts'
import { BartizanError } from '#services/errors.ts'
import type { Principal } from '#services/schema/access.ts'

/** Whoever may write; checked before a byte of the body is read. */
export type Sender = { mayWriteFor(bastion: string): boolean }

const maxHeaderLength = 512

const bearerOf = ({ headers: { authorization } }: Request): string => {
  const isBearer = authorization !== undefined && /^Bearer /i.test(authorization)
  if (isBearer && authorization.length <= maxHeaderLength) return authorization.slice('Bearer '.length).trim()
  throw new BartizanError('BTZ_AUTH_REQUIRED', 'a token is needed', {
    hint: '`bartizan token create --role ingest --bastion NAME` makes one; send it as Authorization: Bearer …',
  })
}

const senderOf = (principal: Principal): Sender => {
  if (may(principal.role, 'ingest.write')) return { mayWriteFor: (bastion) => mayWriteFor(principal, bastion) }
  throw new BartizanError('BTZ_FORBIDDEN', `a token with role ${principal.role} may not send recordings`)
}

/** @throws BTZ_AUTH_REQUIRED BTZ_FORBIDDEN */
export const identifySender = async (tokens: Pick<Tokens, 'verify'>, request: Request): Promise<Sender> => {
  const principal = await tokens.verify(bearerOf(request))
  if (principal === null) throw new BartizanError('BTZ_AUTH_REQUIRED', 'the token is unknown or revoked')
  return senderOf(principal)
}
