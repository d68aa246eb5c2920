import type { CatalogReader, EventQuery } from '#services/catalog/catalog.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'

const pageLimit = 1_000

/** Newest first, about `most` at the most; `complete`: there are no older ones. */
export const latestEvents = async (
  catalog: Pick<CatalogReader, 'events'>,
  query: Omit<EventQuery, 'limit' | 'cursor'>,
  most: number,
): Promise<{ events: SessionEvent[]; complete: boolean }> => {
  const events: SessionEvent[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<CatalogReader['events']>> = await catalog.events({
      ...{ ...query, limit: pageLimit },
      ...(cursor !== null && { cursor }),
    })
    events.push(...page.items)
    cursor = page.next
  } while (cursor !== null && events.length < most)
  return { events, complete: cursor === null }
}
