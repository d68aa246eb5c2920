import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import { newSecret, sameHash, sha256Hex } from '../access/secrets.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import type { Principal } from '../schema/access.ts'
import type { StateEntry, StateStore } from '../state/state-store.ts'

/** Links with which people without an account see a part of one session until it ends. */

const ms = z.number().int().nonnegative()
const Person = z.object({ id: z.string().max(128), name: z.string().max(128) })
const Opening = z.object({ at: z.iso.datetime(), address: z.string().max(64) })

export const Share = z.object({
  id: z.string().max(64),
  sessionId: z.string().max(64),
  fromMs: ms, // of the session
  toMs: ms,
  reason: z.string().max(1_024),
  by: Person,
  at: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  revoked: z.object({ at: z.iso.datetime(), by: Person }).nullable(),
  openCount: z.number().int().nonnegative(),
  openings: z.array(Opening), // the latest 50
})
export type Share = z.infer<typeof Share>
const StoredShare = Share.extend({ secretHash: z.string().regex(/^[0-9a-f]{64}$/) })
type StoredShare = z.infer<typeof StoredShare>

export type NewShare = Pick<Share, 'sessionId' | 'fromMs' | 'toMs' | 'reason'> & {
  expiresInMinutes: number
  by: Pick<Principal, 'id' | 'name'>
}

/** Whatever is configured. */
export const longestShareMinutes = 30 * 24 * 60
const mostOfSession = 50
const mostOfAll = 1_000
const mostOpenings = 50
const keptAfterEndMs = 30 * 86_400_000
const attempts = 20

const prefix = 'shares/'
const idForm = /^[A-Za-z0-9_-]{22}$/
const linkForm = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

const nowhere = () => new BartizanError('BTZ_NOT_FOUND', 'this link leads nowhere, or not any more')
const notFound = () => new BartizanError('BTZ_NOT_FOUND', 'there is no share with this id')

const endOf = ({ expiresAt, revoked }: Share): number => Date.parse(revoked?.at ?? expiresAt)

/** A clock that was set back makes no link last longer than the longest may. */
const isOpen = (share: Share, nowMs: number): boolean => {
  const leftMs = Date.parse(share.expiresAt) - nowMs
  return share.revoked === null && leftMs > 0 && leftMs <= 2 * longestShareMinutes * 60_000
}

/** `maxHours`: no link lasts longer; also none that was made when they could. */
export const createShares = ({ state, clock, maxHours }: { state: StateStore; clock: Clock; maxHours: number }) => {
  const maxMinutes = Math.min(maxHours * 60, longestShareMinutes)
  const toldOf = ({ secretHash: _, ...share }: StoredShare): Share => {
    const latestMs = Date.parse(share.at) + maxMinutes * 60_000
    return { ...share, expiresAt: new Date(Math.min(Date.parse(share.expiresAt), latestMs)).toISOString() }
  }
  const nowText = () => new Date(clock.now()).toISOString()
  const entryOf = async (id: string): Promise<{ entry: StateEntry; share: StoredShare } | null> => {
    const entry = idForm.test(id) ? await state.get(prefix + id) : null
    return entry && { entry, share: StoredShare.parse(entry.value) }
  }

  /** Those that ended long ago go. */
  const sweep = async (): Promise<Share[]> => {
    const kept: Share[] = []
    for await (const { key, value, revision } of listAll(state, prefix)) {
      const share = toldOf(StoredShare.parse(value))
      if (clock.now() - endOf(share) <= keptAfterEndMs) kept.push(share)
      else await state.delete(key, { ifRevision: revision })
    }
    return kept
  }
  const refuseMore = async (sessionId: string): Promise<void> => {
    const open = (await sweep()).filter((share) => isOpen(share, clock.now()))
    const ofSession = open.filter((share) => share.sessionId === sessionId)
    if (open.length < mostOfAll && ofSession.length < mostOfSession) return
    throw new BartizanError(
      'BTZ_TOO_MANY_REQUESTS',
      `${mostOfSession} links of this session, or ${mostOfAll} in all, are open`,
      { hint: 'revoke some that nobody needs any more' },
    )
  }
  /** Of several at once each is applied. */
  const change = async (id: string, act: (share: StoredShare) => StoredShare): Promise<StoredShare> => {
    for (let attempt = 1; ; attempt++) {
      const found = await entryOf(id)
      if (!found) throw notFound()
      const changed = act(found.share)
      if (changed === found.share) return changed
      try {
        await state.put(found.entry.key, changed, { ifRevision: found.entry.revision })
        return changed
      } catch (error) {
        if (!hasCode(error, 'BTZ_STATE_CONFLICT') || attempt === attempts) throw error
      }
    }
  }

  return {
    /** `link`: id and secret, shown once. @throws BTZ_REQUEST_INVALID for too long a life, BTZ_TOO_MANY_REQUESTS */
    create: async ({ expiresInMinutes, by, ...share }: NewShare): Promise<{ share: Share; link: string }> => {
      if (expiresInMinutes > maxMinutes)
        throw new BartizanError('BTZ_REQUEST_INVALID', `a link lasts at most ${maxMinutes} minutes here`, {
          hint: 'the setting access.shareHours says how long',
        })
      await refuseMore(share.sessionId)
      const [id, secret] = [randomBytes(16).toString('base64url'), newSecret()]
      const stored: StoredShare = {
        ...{ id, ...share, by: { id: by.id, name: by.name }, at: nowText() },
        expiresAt: new Date(clock.now() + expiresInMinutes * 60_000).toISOString(),
        ...{ revoked: null, openCount: 0, openings: [], secretHash: sha256Hex(secret) },
      }
      await state.put(prefix + id, StoredShare.parse(stored), { ifRevision: 0 })
      return { share: toldOf(stored), link: `${id}.${secret}` }
    },
    /** Of a session, the latest first; also those that ended within 30 days. */
    list: async (sessionId: string): Promise<Share[]> =>
      (await sweep())
        .filter((share) => share.sessionId === sessionId)
        .sort((one, other) => other.at.localeCompare(one.at)),
    /** @throws BTZ_NOT_FOUND */
    find: async (id: string): Promise<Share> => {
      const found = await entryOf(id)
      if (!found) throw notFound()
      return toldOf(found.share)
    },
    /** It leads nowhere from now on. @throws BTZ_NOT_FOUND */
    revoke: async (id: string, by: Pick<Principal, 'id' | 'name'>): Promise<void> => {
      const revoked = { at: nowText(), by: { id: by.id, name: by.name } }
      await change(id, (share) => (share.revoked ? share : { ...share, revoked }))
    },
    /** Whose secret this is. @throws BTZ_NOT_FOUND: unknown, revoked, expired: all alike */
    verify: async (link: string): Promise<Share> => {
      const [, id = '', secret = ''] = linkForm.exec(link) ?? []
      const { share } = (await entryOf(id)) ?? {}
      const isRight = sameHash(sha256Hex(secret), share?.secretHash ?? sha256Hex(''))
      const told = share && isRight ? toldOf(share) : null
      if (!told || !isOpen(told, clock.now())) throw nowhere()
      return told
    },
    /** That it is open still, for who opened it. @throws BTZ_NOT_FOUND */
    open: async (id: string): Promise<Share> => {
      const { share } = (await entryOf(id)) ?? {}
      const told = share ? toldOf(share) : null
      if (!told || !isOpen(told, clock.now())) throw nowhere()
      return told
    },
    /** Counts an opening. @throws BTZ_NOT_FOUND */
    opened: async (id: string, address: string): Promise<void> => {
      const opening = { at: nowText(), address: address.slice(0, 64) }
      await change(id, (share) => ({
        ...share,
        openCount: share.openCount + 1,
        openings: [...share.openings, opening].slice(-mostOpenings),
      }))
    },
  }
}
export type Shares = ReturnType<typeof createShares>
