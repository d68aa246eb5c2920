import type { Request } from 'express'
import { BartizanError } from '#services/errors.ts'
import { BastionName, Sha256Hex } from '#services/schema/ids.ts'
import { behindAddressHeader, behindHeader } from '#services/schema/uplink-protocol.ts'

/** The agent for which a relay speaks in this request. `expected`: who it has to be. @throws BTZ_AUTH_REQUIRED */
export const holderBehind = (request: Request, expected?: string): { bastion: string; sha256: string } => {
  const [bastion = '', sha256 = '', ...rest] = (request.get(behindHeader) ?? '').slice(0, 400).split(' ')
  const isNamed = BastionName.safeParse(bastion).success && Sha256Hex.safeParse(sha256).success && rest.length === 0
  if (isNamed && (expected === undefined || bastion === expected)) return { bastion, sha256 }
  throw new BartizanError('BTZ_AUTH_REQUIRED', 'the relay does not say which agent it speaks for')
}

/** By the relay's word: only what is told of it, and counted, depends on it. */
export const addressBehind = (request: Request): string => (request.get(behindAddressHeader) ?? '').slice(0, 64)
