import { explains, localSource } from '#services/schema/local-session.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Connection, LedgerCatalog } from './reconcile.ts'
import { atMsOf, isLocal, isStart } from './visits.ts'

/** Sessions on the bastions themselves that were told lately: a recording of one may still come, however late. */

const maxTold = 1_000 // of a bastion; the first ones go
const keptMs = 24 * 3_600_000
const pageSize = 200
const maxPages = 5

type Told = { user: string; atMs: number; tty: string | null }

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export const createToldLocals = () => {
  const told = new Map<string, Told>()
  const add = (connectionId: string, one: Told): void => {
    told.set(connectionId, one)
    if (told.size > maxTold) told.delete(told.keys().next().value!)
  }
  return {
    take: (events: readonly SessionEvent[]): void => {
      for (const event of events) {
        if (!isLocal(event) || !isStart(event) || !event.user || typeof event.connectionId !== 'string') continue
        add(event.connectionId, { user: event.user, atMs: atMsOf(event), tty: textOf(event.ttyName) })
      }
    },
    /** Those of an earlier process. */
    recall: async (catalog: LedgerCatalog, bastion: string, lastMs: number): Promise<void> => {
      const query = { bastion, state: 'missing' as const, from: new Date(lastMs - keptMs), limit: pageSize }
      let cursor: string | null = null
      for (let pages = 0; pages < maxPages; pages++) {
        const page: Awaited<ReturnType<typeof catalog.sessions>> = await catalog.sessions({
          ...query,
          ...(cursor && { cursor }),
        })
        for (const { hook, connectionId, user, startedAt, tty } of page.items)
          if (hook === localSource && connectionId !== null)
            add(connectionId, { user, atMs: Date.parse(startedAt), tty })
        cursor = page.next
        if (cursor === null) return
      }
    },
    /** Those that one of these recordings explains. */
    explainedBy: (bastion: string, events: readonly SessionEvent[]): Connection[] => {
      if (told.size === 0) return []
      const recorded = events.filter((event) => isStart(event) && event.recorded)
      return [...told].flatMap(([connectionId, one]) =>
        recorded.some(
          (event) => event.user === one.user && explains({ startedAtMs: atMsOf(event), endedAtMs: null }, one),
        )
          ? [{ bastion, connectionId }]
          : [],
      )
    },
  }
}
