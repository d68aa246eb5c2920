import type { Clock } from '../clock.ts'
import type { Principal } from '../schema/access.ts'
import type { StateStore } from '../state/state-store.ts'
import { createExpiringGrants } from './expiring-grants.ts'

export type BrowserSessions = {
  /** The secret for the browser's cookie. @throws BTZ_TOO_MANY_REQUESTS */
  open(principal: Principal): Promise<string>
  verify(secret: string): Promise<Principal | null>
  /** Signs out. */
  close(secret: string): Promise<void>
}

export const createBrowserSessions = (options: { state: StateStore; clock: Clock; hours: number }): BrowserSessions => {
  const { state, clock, hours } = options
  const prefix = 'browser-sessions/'
  const grants = createExpiringGrants({ state, clock, prefix, lifetimeMs: hours * 3_600_000, maxOpen: 5_000 })
  return {
    open: async (principal) => (await grants.issue(principal, principal.name)).secret,
    verify: grants.verify,
    close: grants.drop,
  }
}
