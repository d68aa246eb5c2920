import type { Clock } from '../clock.ts'
import type { Principal } from '../schema/access.ts'

const maxEntries = 1_000
const maxAgeMs = 5_000
const maxOutageMs = 3_600_000

type Entry = { principal: Principal; verifiedMs: number; askedMs: number }

/** Tokens found valid lately, by hash: an ingest request must not cost a query. Another process's revocation takes ≤ 5 s. */
export const createTokenCache = (clock: Clock) => {
  const entries = new Map<string, Entry>()
  let revocations = 0
  const isWithin = (sinceMs: number, limitMs: number): boolean => Math.abs(clock.now() - sinceMs) <= limitMs
  return {
    /** To be read before a look-up whose result goes into the cache. */
    revocations: (): number => revocations,
    get: (hash: string): Principal | null => {
      const entry = entries.get(hash)
      return entry && isWithin(entry.askedMs, maxAgeMs) ? entry.principal : null
    },
    /**
     * When nobody can be asked: an agent's token that was good within the last hour. Recording must not wait for the
     * state store; who reads recordings waits.
     */
    inOutage: (hash: string): Principal | null => {
      const entry = entries.get(hash)
      if (entry?.principal.role !== 'ingest' || !isWithin(entry.verifiedMs, maxOutageMs)) return null
      entry.askedMs = clock.now()
      return entry.principal
    },
    /** No effect when something was revoked since: the look-up may have been from before. */
    set: (hash: string, principal: Principal, since: number): void => {
      if (since !== revocations) return
      entries.delete(hash)
      entries.set(hash, { principal, verifiedMs: clock.now(), askedMs: clock.now() })
      if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
    },
    drop: (hash: string): void => {
      entries.delete(hash)
    },
    forget: (id: string): void => {
      revocations += 1
      for (const [hash, { principal }] of entries) if (principal.id === id) entries.delete(hash)
    },
  }
}
