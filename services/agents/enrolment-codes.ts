import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import { newSecret, sha256Hex } from '../access/secrets.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { BastionName } from '../schema/ids.ts'
import type { StateStore } from '../state/state-store.ts'
import { direct, EnrolmentWay } from './enrolment-way.ts'

const maxOpen = 20 // of one bastion
const maxCodeMs = 24 * 3_600_000
const codeForm = /^[A-Za-z0-9_-]{43}$/

const Stored = z.object({
  issuedBy: z.string(),
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  way: EnrolmentWay.default(direct),
})

/** The bastion is in the key: a code of another is as unknown as one that never was. */
const prefixOf = (bastion: string): string => `enrolment-codes/${BastionName.parse(bastion)}/`

/** A clock that was set back makes no code good for longer than it was to be. */
const isOpen = ({ issuedAtMs, expiresAtMs }: z.infer<typeof Stored>, nowMs: number): boolean =>
  nowMs < expiresAtMs && expiresAtMs - nowMs <= 2 * (expiresAtMs - issuedAtMs)

/** One-time codes of 256 random bits, kept as SHA-256, each for one bastion. */
export const createEnrolmentCodes = ({ state, clock }: { state: StateStore; clock: Clock }) => {
  const sweep = async (bastion: string): Promise<number> => {
    let open = 0
    for await (const { key, value } of listAll(state, prefixOf(bastion))) {
      if (isOpen(Stored.parse(value), clock.now())) open += 1
      else await state.delete(key)
    }
    return open
  }
  const find = async (bastion: string, code: string) => {
    const entry = codeForm.test(code) ? await state.get(prefixOf(bastion) + sha256Hex(code)) : null
    return entry && isOpen(Stored.parse(entry.value), clock.now()) ? entry : null
  }
  return {
    /** `forMs`: at most a day. @throws BTZ_TOO_MANY_REQUESTS */
    issue: async (
      bastion: string,
      forMs: number,
      actor: string,
      way: EnrolmentWay = direct,
    ): Promise<{ code: string; expiresAtMs: number }> => {
      if ((await sweep(bastion)) >= maxOpen)
        throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `${maxOpen} codes are open for ${bastion} already`)
      const code = newSecret()
      const issuedAtMs = clock.now()
      const expiresAtMs = issuedAtMs + Math.min(forMs, maxCodeMs)
      const value = { issuedBy: actor.slice(0, 128), issuedAtMs, expiresAtMs, way }
      await state.put(prefixOf(bastion) + sha256Hex(code), value, { ifRevision: 0 })
      return { code, expiresAtMs }
    },
    /**
     * Who issued it, and it is used up: of several callers at once one gets an answer. `via`: the relay it came through.
     * Null: not good for this bastion, or not by this way; then it stays good.
     */
    redeem: async (
      bastion: string,
      code: string,
      via: string | null = null,
    ): Promise<{ issuedBy: string; way: EnrolmentWay } | null> => {
      const entry = await find(bastion, code)
      if (!entry || Stored.parse(entry.value).way.via !== via) return null
      try {
        await state.delete(entry.key, { ifRevision: entry.revision })
        const { issuedBy, way } = Stored.parse(entry.value)
        return { issuedBy, way }
      } catch (error) {
        if (hasCode(error, 'BTZ_STATE_CONFLICT')) return null
        throw error
      }
    },
    /** All that are open for the bastion. */
    revoke: async (bastion: string): Promise<void> => {
      for await (const { key } of listAll(state, prefixOf(bastion))) await state.delete(key)
    },
  }
}
export type EnrolmentCodes = ReturnType<typeof createEnrolmentCodes>
