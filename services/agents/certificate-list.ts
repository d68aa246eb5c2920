import { z } from 'zod'
import { Sha256Hex } from '../schema/ids.ts'

/** The certificates of one bastion's agent: what is decided about them, without a store. Times are Unix ms. */
export const AgentCertificate = z.object({
  sha256: Sha256Hex,
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  /** Null: the agent has not come with it yet. */
  usedAtMs: z.number().nullable(),
  revokedAtMs: z.number().nullable(),
})
export type AgentCertificate = z.infer<typeof AgentCertificate>

/** Of one bastion; revoked and expired ones go first. An agent that asks for more is refused until it uses one. */
const maxCertificates = 16

export type Standing = 'good' | 'unknown' | 'revoked' | 'expired'

export const isGood = ({ revokedAtMs, expiresAtMs }: AgentCertificate, nowMs: number): boolean =>
  revokedAtMs === null && nowMs < expiresAtMs

export const standingOf = (list: readonly AgentCertificate[], sha256: string, nowMs: number): Standing => {
  const found = list.find((each) => each.sha256 === sha256)
  if (!found) return 'unknown'
  if (found.revokedAtMs !== null) return 'revoked'
  return isGood(found, nowMs) ? 'good' : 'expired'
}

/** Null: there is no room. */
export const added = (
  list: readonly AgentCertificate[],
  certificate: Pick<AgentCertificate, 'sha256' | 'expiresAtMs'>,
  nowMs: number,
): AgentCertificate[] | null => {
  const over = list.length + 1 - maxCertificates
  const dispensable = list.filter((each) => !isGood(each, nowMs)).slice(0, Math.max(0, over))
  if (dispensable.length < over) return null
  const kept = list.filter((each) => !dispensable.includes(each))
  return [...kept, { ...certificate, issuedAtMs: nowMs, usedAtMs: null, revokedAtMs: null }]
}

/** At its first use a certificate takes the place of those before it: until then an answer that got lost costs nothing. */
export const used = (list: readonly AgentCertificate[], sha256: string, nowMs: number): AgentCertificate[] => {
  const at = list.findIndex((each) => each.sha256 === sha256)
  return list.map((each, index) => {
    if (index === at) return { ...each, usedAtMs: each.usedAtMs ?? nowMs }
    return index < at ? { ...each, revokedAtMs: each.revokedAtMs ?? nowMs } : each
  })
}

export const revokedAll = (list: readonly AgentCertificate[], nowMs: number): AgentCertificate[] =>
  list.map((each) => ({ ...each, revokedAtMs: each.revokedAtMs ?? nowMs }))
