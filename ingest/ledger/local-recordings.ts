import { explainedBetween, type UserRecording } from '#services/schema/local-session.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { LedgerCatalog } from './reconcile.ts'
import { atMsOf, isLocal, isStart } from './visits.ts'

/** What recordings of a user have to do with sessions that he began on the bastion itself. */

const maxFound = 200

const ofSessions = async (
  catalog: LedgerCatalog,
  { bastion, user }: SessionEvent,
  range: { from: Date; to: Date },
): Promise<UserRecording[]> => {
  const { items } = await catalog.sessions({ bastion, user: user!, ...range, limit: maxFound })
  return items
    .filter(({ recorded }) => recorded)
    .map(({ startedAt, endedAt }) => ({
      startedAtMs: Date.parse(startedAt),
      endedAtMs: endedAt === null ? null : Date.parse(endedAt),
    }))
}

/** The recorder's own word comes before the session's row, or after it. */
const ofEvents = async (
  catalog: LedgerCatalog,
  { bastion, user }: SessionEvent,
  range: { from: Date; to: Date },
): Promise<UserRecording[]> => {
  const query = { bastion, user: user!, kinds: ['session_started' as const], ...range, limit: maxFound }
  const { items } = await catalog.events(query)
  return items
    .filter((event) => isStart(event) && event.recorded)
    .map((event) => ({ startedAtMs: atMsOf(event), endedAtMs: atMsOf(event) }))
}

/** Those that began about when one of these sessions did, or went on then. `events`: of one connection. */
export const recordingsOfLocal = async (
  catalog: LedgerCatalog,
  events: readonly SessionEvent[],
): Promise<UserRecording[]> => {
  const found: UserRecording[] = []
  for (const event of events) {
    if (!isLocal(event) || !isStart(event) || !event.user) continue
    const { fromMs, toMs } = explainedBetween(atMsOf(event))
    const range = { from: new Date(fromMs), to: new Date(toMs) }
    found.push(...(await ofSessions(catalog, event, range)), ...(await ofEvents(catalog, event, range)))
  }
  return found
}
