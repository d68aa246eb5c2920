import type { Catalog, ConnectionSession } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import { connectionRows } from './connection-rows.ts'
import { recordingsOfLocal } from './local-recordings.ts'
import { atMsOf } from './visits.ts'

export type LedgerCatalog = Pick<
  Catalog,
  'connectionEvents' | 'connectionSessions' | 'putUnrecorded' | 'events' | 'sessions' | 'bastions'
>
/** `graceMs`: how long a recording is waited for. */
export type LedgerContext = { catalog: LedgerCatalog; graceMs: number; clock: Clock; log: Logger }
export type Connection = { bastion: string; connectionId: string }

const maxRounds = 5

const isUnrecorded = ({ recorded }: ConnectionSession): boolean => !recorded

/**
 * Makes the rows of sessions that no recorder saw what the connection's events say. Looks again after each write:
 * another process that wrote in between saw the events as they were before, or does now. Gives the event time at which
 * to look again.
 */
export const reconcile = async (
  { catalog, graceMs, log }: LedgerContext,
  connection: Connection,
  clockMs: number,
): Promise<number | null> => {
  const { bastion, connectionId } = connection
  const written = new Map<string, string>()
  for (let round = 0; ; round++) {
    const found = await catalog.connectionSessions(connectionId)
    const sessions = found.filter((session) => session.bastion === bastion)
    const { events, more } = await catalog.connectionEvents(bastion, connectionId)
    // Of what is left out nothing is known: what it may still explain is not judged.
    const knownMs = more ? atMsOf(events.at(-1)!) : Number.POSITIVE_INFINITY
    if (more) log.warn({ connectionId, events: events.length }, 'a connection has more events than are looked at')
    const recordings = await recordingsOfLocal(catalog, events)
    const untilMs = Math.min(clockMs, knownMs)
    const { rows, dueAtMs } = connectionRows(connection, events, sessions, untilMs, graceMs, recordings)
    const wanted = new Set<string>(rows.map(({ id }) => id))
    const gone = sessions.filter((session) => isUnrecorded(session) && !wanted.has(session.id)).map(({ id }) => id)
    const fresh = rows.filter((row) => written.get(row.id) !== JSON.stringify(row))
    if (fresh.length === 0 && gone.length === 0) return more ? null : dueAtMs
    if (round === maxRounds) {
      log.warn(
        { connectionId },
        'the sessions of a connection keep changing; they are looked at again with its next event',
      )
      return dueAtMs
    }
    await catalog.putUnrecorded(fresh, gone)
    for (const row of fresh) written.set(row.id, JSON.stringify(row))
  }
}
