import { z } from 'zod'
import type { Clock } from '#services/clock.ts'
import { hasCode } from '#services/errors.ts'
import type { StateStore } from '#services/state/state-store.ts'
import type { Pause } from './pause.ts'

/** `holder` null: given back. */
const LeaseEntry = z.object({ holder: z.string().nullable() })

export type LeaseOptions = {
  state: StateStore
  key: string
  holder: string
  ttlMs: number
  clock: Clock
  pause: Pause
}
/** `lost` aborts when somebody else may have it. */
export type Lease = { lost: AbortSignal; release(): Promise<void> }

/**
 * Takes what is free, was given back, or was not renewed for `ttlMs` as this process sees it: clocks of two machines are
 * never compared. What is done under a lease must still be guarded by a revision. Null: the signal aborted.
 */
const acquire = async (
  { state, key, holder, ttlMs, clock, pause }: LeaseOptions,
  signal: AbortSignal,
): Promise<number | null> => {
  let watched = { revision: 0, sinceMs: clock.now() }
  while (!signal.aborted) {
    const entry = await state.get(key)
    const revision = entry?.revision ?? 0
    const isHeld = (LeaseEntry.safeParse(entry?.value).data?.holder ?? null) !== null
    if (revision !== watched.revision) watched = { revision, sinceMs: clock.now() }
    if (!isHeld || clock.now() - watched.sinceMs >= ttlMs) {
      try {
        return await state.put(key, { holder }, { ifRevision: revision })
      } catch (error) {
        if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
      }
    }
    await pause(ttlMs / 5, signal)
  }
  return null
}

export const holdLease = async (options: LeaseOptions, signal: AbortSignal): Promise<Lease | null> => {
  const { state, key, holder, ttlMs, clock, pause } = options
  const acquired = await acquire(options, signal)
  if (acquired === null) return null
  let revision = acquired
  const lost = new AbortController()
  const released = new AbortController()
  const stop = AbortSignal.any([lost.signal, released.signal])

  const renew = async (): Promise<void> => {
    let renewedMs = clock.now()
    while (!stop.aborted) {
      await pause(ttlMs / 4, stop)
      if (stop.aborted) return
      try {
        revision = await state.put(key, { holder }, { ifRevision: revision })
        renewedMs = clock.now()
      } catch (error) {
        if (hasCode(error, 'BTZ_STATE_CONFLICT') || clock.now() - renewedMs >= ttlMs * 0.75) lost.abort()
      }
    }
  }
  const renewing = renew()
  return {
    lost: lost.signal,
    release: async () => {
      released.abort()
      await renewing
      if (!lost.signal.aborted) await state.put(key, { holder: null }, { ifRevision: revision }).catch(() => {})
    },
  }
}
