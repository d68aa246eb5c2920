import type { Clock } from '../clock.ts'
import type { Principal } from '../schema/access.ts'

const maxEntries = 1_000
const maxAgeMs = 5_000

/** Tokens found valid lately, by hash: an ingest request must not cost a query. Another process's revocation takes ≤ 5 s. */
export const createTokenCache = (clock: Clock) => {
  const entries = new Map<string, { principal: Principal; atMs: number }>()
  let revocations = 0
  return {
    /** To be read before a look-up whose result goes into the cache. */
    revocations: (): number => revocations,
    get: (hash: string): Principal | null => {
      const entry = entries.get(hash)
      if (entry && Math.abs(clock.now() - entry.atMs) <= maxAgeMs) return entry.principal
      entries.delete(hash)
      return null
    },
    /** No effect when something was revoked since: the look-up may have been from before. */
    set: (hash: string, principal: Principal, since: number): void => {
      if (since !== revocations) return
      entries.set(hash, { principal, atMs: clock.now() })
      if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
    },
    forget: (id: string): void => {
      revocations += 1
      for (const [hash, { principal }] of entries) if (principal.id === id) entries.delete(hash)
    },
  }
}
