import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { keyIdOf } from '../recordings/format/signed-head.ts'
import type { StateEntry, StateStore } from '../state/state-store.ts'

const checkEveryMs = 5_000
const noteEveryMs = 600_000
const maxKeys = 64 // of one bastion: whoever holds its token must not fill the state store
const maxCached = 10_000
const revokeAttempts = 20

/** import: an import of recordings signs with it. It vouches for what was imported since then, not for the bastion's agent. */
export type KeyPurpose = 'agent' | 'import'

const StoredKey = z.object({
  purpose: z.enum(['agent', 'import']).default('agent'),
  publicKey: z.base64(), // raw 32 bytes of Ed25519
  firstSeenAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
})
export type AgentKey = z.infer<typeof StoredKey> & { keyId: string }

const prefixOf = (bastion: string): string => `agent-keys/${bastion}/`
const keyOf = (bastion: string, keyId: string): string => prefixOf(bastion) + keyId
const read = ({ key, value }: StateEntry): AgentKey => ({
  ...StoredKey.parse(value),
  keyId: key.slice(key.lastIndexOf('/') + 1),
})

/**
 * The public keys with which agents, and imports, sign, by bastion. One that was seen stays good for what it signed when another takes
 * its place, until it is revoked.
 */
export const createAgentKeys = ({ state, clock }: { state: StateStore; clock: Clock }) => {
  const checked = new Map<string, number>() // good keys, and when the store said so
  const nowText = () => new Date(clock.now()).toISOString()

  const list = async (bastion: string): Promise<AgentKey[]> =>
    (await state.list(prefixOf(bastion), { limit: maxKeys })).map(read)

  const add = async (
    bastion: string,
    publicKey: Uint8Array,
    announce: (otherKeyIds: string[]) => Promise<void>,
    purpose: KeyPurpose,
  ): Promise<void> => {
    const all = await list(bastion)
    if (all.length >= maxKeys) {
      const hint = 'has its data folder been emptied so often? Else its token is in other hands: revoke it'
      throw new BartizanError('BTZ_FORBIDDEN', `bastion ${bastion} has had ${maxKeys} signing keys`, { hint })
    }
    const others = all.filter((key) => key.purpose === purpose).map(({ keyId }) => keyId)
    // Told before it is good: a key that nobody was told of must not come to be by a crash in between.
    if (others.length > 0 || purpose === 'import') await announce(others)
    const value = {
      purpose,
      publicKey: Buffer.from(publicKey).toString('base64'),
      firstSeenAt: nowText(),
      lastSeenAt: nowText(),
      revokedAt: null,
    }
    await state.put(keyOf(bastion, keyIdOf(publicKey)), value, { ifRevision: 0 })
  }
  const note = async (entry: StateEntry): Promise<void> => {
    const stored = StoredKey.parse(entry.value)
    if (Math.abs(clock.now() - Date.parse(stored.lastSeenAt)) < noteEveryMs) return
    await state.put(entry.key, { ...stored, lastSeenAt: nowText() }, { ifRevision: entry.revision })
  }
  /** Another receiver was faster: what it wrote is as good. */
  const unlessDone = async (act: Promise<void>): Promise<void> =>
    act.catch((error: unknown) => {
      if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
    })
  const remember = (key: string): void => {
    checked.set(key, clock.now())
    if (checked.size > maxCached) checked.delete(checked.keys().next().value!)
  }

  /** Nothing it signed is taken any more, from half a minute later on. @throws BTZ_NOT_FOUND BTZ_STATE_CONFLICT */
  const revoke = async (bastion: string, keyId: string): Promise<void> => {
    const entry = await state.get(keyOf(bastion, keyId))
    if (!entry) throw new BartizanError('BTZ_NOT_FOUND', `bastion ${bastion} has no signing key ${keyId}`)
    const stored = StoredKey.parse(entry.value)
    const revokedAt = stored.revokedAt ?? nowText()
    await state.put(entry.key, { ...stored, revokedAt }, { ifRevision: entry.revision })
    checked.delete(entry.key)
  }

  /** A heartbeat may note the key in the same moment. */
  const revokeAnyway = async (bastion: string, keyId: string): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await revoke(bastion, keyId)
      } catch (error) {
        if (!hasCode(error, 'BTZ_STATE_CONFLICT') || attempt === revokeAttempts) throw error
      }
    }
  }

  return {
    list,
    find: async (bastion: string, keyId: string): Promise<AgentKey | null> => {
      const entry = await state.get(keyOf(bastion, keyId))
      return entry && read(entry)
    },
    /**
     * The bastion's agent, known by its token, signs with this key (raw 32 bytes). `announce` is called before a key
     * that is not the bastion's first, or that is one of an import, becomes good. A key keeps the purpose it was first
     * seen with. @throws BTZ_FORBIDDEN BTZ_UNAVAILABLE
     */
    seen: async (
      bastion: string,
      publicKey: Uint8Array,
      announce: (otherKeyIds: string[]) => Promise<void>,
      purpose: KeyPurpose = 'agent',
    ): Promise<'registered' | 'revoked'> => {
      const key = keyOf(bastion, keyIdOf(publicKey))
      if (Math.abs(clock.now() - (checked.get(key) ?? Number.NEGATIVE_INFINITY)) < checkEveryMs) return 'registered'
      const entry = await state.get(key)
      if (entry && read(entry).revokedAt !== null) return 'revoked'
      await unlessDone(entry ? note(entry) : add(bastion, publicKey, announce, purpose))
      remember(key)
      return 'registered'
    },
    /** All of the bastion's agents, as `revoke`; how many. What was imported is somebody else's word. @throws BTZ_STATE_CONFLICT */
    revokeAll: async (bastion: string): Promise<number> => {
      const keys = await list(bastion)
      const good = keys.filter(({ purpose, revokedAt }) => purpose === 'agent' && revokedAt === null)
      for (const { keyId } of good) await revokeAnyway(bastion, keyId)
      return good.length
    },
    revoke,
  }
}
export type AgentKeys = ReturnType<typeof createAgentKeys>
