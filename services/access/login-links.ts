import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import { Principal, type Role } from '../schema/access.ts'
import type { StateStore } from '../state/state-store.ts'
import { createExpiringGrants } from './expiring-grants.ts'

/** Roles of people; programs use tokens. */
export type BrowserRole = Exclude<Role, 'siem' | 'ingest'>

export type LoginLinks = {
  /** `code` is good once, until `expiresAt` (RFC 3339). @throws BTZ_REQUEST_INVALID BTZ_TOO_MANY_REQUESTS */
  issue(link: { name: string; role: BrowserRole; actor: string }): Promise<{ code: string; expiresAt: string }>
  /** Uses the code up; null when it is unknown, used or expired. */
  redeem(code: string): Promise<Principal | null>
}

export const createLoginLinks = (options: { state: StateStore; clock: Clock; minutes: number }): LoginLinks => {
  const { state, clock, minutes } = options
  const grants = createExpiringGrants({
    state,
    clock,
    prefix: 'login-links/',
    lifetimeMs: minutes * 60_000,
    maxOpen: 500,
  })
  return {
    issue: async ({ name, role, actor }) => {
      const principal = Principal.safeParse({ id: `login-${randomUUID()}`, name, role, bastion: null })
      if (!principal.success || !name) {
        throw new BartizanError('BTZ_REQUEST_INVALID', 'a sign-in link needs a name of 1 to 128 characters and a role')
      }
      const { secret, expiresAtMs } = await grants.issue(principal.data, actor)
      return { code: secret, expiresAt: new Date(expiresAtMs).toISOString() }
    },
    redeem: grants.redeem,
  }
}
