import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'

const pageLimit = 1_000
const mostLogins = 5_000

/** The latest logins of a user, newest first; `complete`: there are no older ones. */
export const latestLogins = async (
  catalog: Pick<CatalogReader, 'events'>,
  user: string,
): Promise<{ logins: SessionEvent[]; complete: boolean }> => {
  const logins: SessionEvent[] = []
  let cursor: string | null = null
  do {
    const query = { kinds: ['login' as const], user, limit: pageLimit }
    const page: Awaited<ReturnType<CatalogReader['events']>> = await catalog.events({
      ...query,
      ...(cursor !== null && { cursor }),
    })
    logins.push(...page.items)
    cursor = page.next
  } while (cursor !== null && logins.length < mostLogins)
  return { logins, complete: cursor === null }
}

export type SeenUser = { user: string; lastSeenAt: string }

/** Who logged in or started a session among the latest events; `from`: of the oldest event that was looked at. */
export const latestEvents = async (
  catalog: Pick<CatalogReader, 'events'>,
  startingWith: string,
): Promise<{ users: SeenUser[]; from: string | null }> => {
  const { items } = await catalog.events({ kinds: ['login', 'session_started'], limit: pageLimit })
  const lastSeen = new Map<string, string>()
  for (const { user, at } of items) {
    if (user?.startsWith(startingWith) && !lastSeen.has(user)) lastSeen.set(user, at)
  }
  const users = [...lastSeen].map(([user, lastSeenAt]) => ({ user, lastSeenAt }))
  return { users, from: items.at(-1)?.at ?? null }
}
