import type { Catalog } from '#services/catalog/catalog.ts'
import type { SinkSettings } from '#services/schema/sink-settings.ts'
import type { Outgoing } from '#services/sinks/sink.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { cursorKey } from './requests.ts'
import { isWanted } from './select.ts'

/** What of a session went to a destination. `items` null: nobody knows how many. */
export type SentCopies = { destination: string; items: number | null; detail: string }

const page = 500
const mostCounted = 10_000
const maxDestinations = 100

type Options = {
  state: Pick<StateStore, 'get'>
  catalog: Pick<Catalog, 'events' | 'alerts'>
  sinks: readonly SinkSettings[]
}

/** All pages; null: there are too many to count them. */
const countAll = async <T>(
  read: (cursor?: string) => Promise<{ items: T[]; next: string | null }>,
  count: (item: T) => void,
): Promise<boolean> => {
  let cursor: string | undefined
  for (let seen = 0; seen < mostCounted; ) {
    const { items, next } = await read(cursor)
    for (const item of items) count(item)
    if (next === null) return true
    seen += items.length
    cursor = next
  }
  return false
}

/**
 * By what the catalog has of the session and what each destination takes: it had all of that, or has it on the way, unless
 * it was never served. An alert counts once, in however many revisions it went out.
 */
export const sentCopies = async ({ state, catalog, sinks }: Options, sessionId: string): Promise<SentCopies[]> => {
  const counts = new Map(sinks.map(({ name }) => [name, 0]))
  const count = (item: Outgoing): void => {
    for (const { name, send } of sinks) if (isWanted(item, send)) counts.set(name, counts.get(name)! + 1)
  }
  const more = (cursor: string | undefined) => ({ sessionId, limit: page, ...(cursor !== undefined && { cursor }) })
  const isWhole =
    (await countAll(
      (cursor) => catalog.events(more(cursor)),
      (event) => count({ type: 'event', event }),
    )) &&
    (await countAll(
      (cursor) => catalog.alerts({ ...more(cursor), withdrawn: true }),
      (alert) => count({ type: 'alert', alert }),
    ))
  const copies: SentCopies[] = []
  for (const { name: destination } of sinks.slice(0, maxDestinations)) {
    const wasServed = (await state.get(cursorKey(destination))) !== null
    const detail = !wasServed
      ? 'it was never served'
      : isWhole
        ? 'events and alerts about the session that it takes'
        : `more than ${mostCounted} events or alerts are about the session`
    copies.push({ destination, items: !wasServed ? 0 : isWhole ? counts.get(destination)! : null, detail })
  }
  return copies
}
