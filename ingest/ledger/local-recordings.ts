import { explainedBetween, goesOnMs, localSource, type UserRecording } from '#services/schema/local-session.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Connection, LedgerCatalog } from './reconcile.ts'
import { atMsOf, isLocal } from './visits.ts'

/** What recordings of a user have to do with sessions that he began on the bastion itself. */

const maxFound = 200

type Started = Extract<SessionEvent, { kind: 'session_started' }>
const isStart = (event: SessionEvent): event is Started => event.kind === 'session_started'

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

/** Sessions on the bastion itself that recordings may explain which come after those were judged. */
export const localsOfLate = async (
  catalog: LedgerCatalog,
  events: readonly SessionEvent[],
  judgedMs: number,
): Promise<Connection[]> => {
  const late = events.filter((event) => isStart(event) && event.recorded && event.user && atMsOf(event) <= judgedMs)
  const found = new Map<string, Connection>()
  for (const [user, some] of Map.groupBy(late, (event) => event.user!)) {
    const firstMs = Math.min(...some.map(atMsOf))
    const lastMs = Math.max(...some.map(atMsOf))
    const range = { from: new Date(explainedBetween(firstMs).fromMs - goesOnMs), to: new Date(lastMs + goesOnMs) }
    const { bastion } = some[0]!
    const query = { bastion, user, kinds: ['session_started' as const], ...range, limit: maxFound }
    for (const event of (await catalog.events(query)).items)
      if (event.source === localSource && typeof event.connectionId === 'string')
        found.set(event.connectionId, { bastion, connectionId: event.connectionId })
  }
  return [...found.values()]
}
