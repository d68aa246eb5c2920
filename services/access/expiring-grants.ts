import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { Principal } from '../schema/access.ts'
import type { StateStore } from '../state/state-store.ts'
import { listAll } from './list-all.ts'
import { newSecret, sha256Hex } from './secrets.ts'

const Grant = z.object({ principal: Principal, actor: z.string(), issuedAt: z.iso.datetime(), expiresAtMs: z.number() })
const secretForm = /^[A-Za-z0-9_-]{43}$/

/**
 * Secrets that stand for a principal until they expire, kept under `prefix` by their SHA-256. At most `maxOpen` are
 * open at once: expired ones go when a new one is issued.
 */
export const createExpiringGrants = (options: {
  state: StateStore
  clock: Clock
  prefix: string
  lifetimeMs: number
  maxOpen: number
}) => {
  const { state, clock, prefix, lifetimeMs, maxOpen } = options
  const keyOf = (secret: string) => prefix + sha256Hex(secret)

  /** A clock that was set back makes a grant last longer, but never by more than another lifetime. */
  const isOpen = (grant: z.infer<typeof Grant>) => {
    const leftMs = grant.expiresAtMs - clock.now()
    return leftMs > 0 && leftMs <= 2 * lifetimeMs
  }

  const sweep = async (): Promise<number> => {
    let open = 0
    for await (const { key, value } of listAll(state, prefix)) {
      if (isOpen(Grant.parse(value))) open += 1
      else await state.delete(key)
    }
    return open
  }

  const find = async (secret: string) => {
    const entry = secretForm.test(secret) ? await state.get(keyOf(secret)) : null
    const grant = entry && Grant.parse(entry.value)
    return entry && grant && isOpen(grant) ? { ...entry, principal: grant.principal } : null
  }

  return {
    /** @throws BTZ_TOO_MANY_REQUESTS */
    issue: async (principal: Principal, actor: string): Promise<{ secret: string; expiresAtMs: number }> => {
      if ((await sweep()) >= maxOpen) {
        throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `${maxOpen} are open already`, {
          hint: 'wait until some expire',
        })
      }
      const secret = newSecret()
      const expiresAtMs = clock.now() + lifetimeMs
      const issuedAt = new Date(clock.now()).toISOString()
      await state.put(keyOf(secret), { principal, actor, issuedAt, expiresAtMs }, { ifRevision: 0 })
      return { secret, expiresAtMs }
    },
    verify: async (secret: string): Promise<Principal | null> => (await find(secret))?.principal ?? null,
    /** As verify, and the secret is used up: of several callers at once one gets the principal. */
    redeem: async (secret: string): Promise<Principal | null> => {
      const found = await find(secret)
      if (!found) return null
      try {
        await state.delete(found.key, { ifRevision: found.revision })
        return found.principal
      } catch (error) {
        if (hasCode(error, 'BTZ_STATE_CONFLICT')) return null
        throw error
      }
    },
    drop: async (secret: string): Promise<void> => {
      if (secretForm.test(secret)) await state.delete(keyOf(secret))
    },
  }
}
