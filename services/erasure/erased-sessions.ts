import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import { SessionId } from '../schema/ids.ts'
import type { StateStore } from '../state/state-store.ts'

/**
 * Which sessions are erased, for all that takes in what may come late: a relay or an agent may deliver content days after
 * the erasure, and none of it may be kept in a readable form.
 */

const prefix = 'erasure/'
/** How long a process may not know of an erasure. */
export const noticedWithinMs = 2_000

const Erased = z.object({ sessionId: SessionId, bastion: z.string().max(253).nullable(), at: z.iso.datetime() })
export type Erased = z.infer<typeof Erased>

/** Durable when resolved; again: nothing. */
export const noteErased = async (state: StateStore, erased: Erased): Promise<void> => {
  if ((await state.get(prefix + erased.sessionId)) === null) await state.put(prefix + erased.sessionId, erased)
}

export type ErasedSessions = {
  /** As known now; looked up again when that is too old. @throws what the state store does */
  ids(): Promise<ReadonlySet<string>>
  /** The newest of a bastion, at most `limit`. @throws what the state store does */
  ofBastion(bastion: string, limit: number): Promise<SessionId[]>
}

export const createErasedSessions = (options: { state: StateStore; clock: Clock }): ErasedSessions => {
  const { state, clock } = options
  let known: { all: Erased[]; ids: ReadonlySet<string>; readMs: number } | null = null
  let reading: Promise<Erased[]> | null = null

  const read = async (): Promise<Erased[]> => {
    const readMs = clock.now()
    const all: Erased[] = []
    for await (const { value } of listAll(state, prefix)) all.push(Erased.parse(value))
    known = { all, ids: new Set(all.map(({ sessionId }) => sessionId)), readMs }
    return all
  }
  const all = async (): Promise<Erased[]> => {
    if (known && Math.abs(clock.now() - known.readMs) < noticedWithinMs / 2) return known.all
    reading ??= read().finally(() => {
      reading = null
    })
    return reading
  }
  return {
    ids: async () => {
      await all()
      return known!.ids
    },
    ofBastion: async (bastion, limit) =>
      (await all())
        .filter((one) => one.bastion === bastion)
        .sort((a, b) => (a.at < b.at ? 1 : -1))
        .slice(0, limit)
        .map(({ sessionId }) => sessionId),
  }
}
