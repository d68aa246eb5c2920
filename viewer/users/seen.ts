import type { CatalogReader } from '#services/catalog/catalog.ts'
import { latestEvents } from '../latest-events.ts'

const mostEvents = 1_000

type SeenUser = { user: string; lastSeenAt: string }

/** Who logged in or started a session among the latest events; `from`: of the oldest event that was looked at. */
export const seenUsers = async (
  catalog: Pick<CatalogReader, 'events'>,
  startingWith: string,
): Promise<{ users: SeenUser[]; from: string | null }> => {
  const { events } = await latestEvents(catalog, { kinds: ['login', 'session_started'] }, mostEvents)
  const lastSeen = new Map<string, string>()
  for (const { user, at } of events) {
    if (user?.startsWith(startingWith) && !lastSeen.has(user)) lastSeen.set(user, at)
  }
  const users = [...lastSeen].map(([user, lastSeenAt]) => ({ user, lastSeenAt }))
  return { users, from: events.at(-1)?.at ?? null }
}
