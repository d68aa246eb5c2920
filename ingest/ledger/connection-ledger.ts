import type { EventKind, SessionEvent } from '#services/schema/session-event.ts'
import { graceMs } from './match-channels.ts'
import { type Connection, type LedgerContext, reconcile } from './reconcile.ts'
import { atMsOf, slackMs } from './visits.ts'
import { createWaiting } from './waiting.ts'

/** Joins what sshd logged with what recorders saw, for the bastions of one partition of session-events. */

const atOnce = 16
const scanLimitMs = 24 * 3_600_000
const scanPage = 1_000
const clockKinds: EventKind[] = ['login', 'login_failed', 'session_started', 'session_ended', 'command']
const maxConnectionIdChars = 128

type Bastion = { clockMs: number; waiting: ReturnType<typeof createWaiting> }

/** Null for an event that says nothing about the sessions of a connection. */
const connectionOf = (event: SessionEvent): Connection | null => {
  const { kind, bastion, connectionId } = event
  const isJoined = kind === 'login' || kind === 'session_started' || (kind === 'session_ended' && !event.recorded)
  if (!isJoined || typeof connectionId !== 'string' || connectionId === '') return null
  return connectionId.length > maxConnectionIdChars ? null : { bastion, connectionId }
}

/**
 * What the bastion's own sources say moves its time; a person at the console does not, since what was recorded may still
 * wait on the bastion. No event is later than it was received.
 */
const clockOf = (event: SessionEvent): number => {
  const isOfBastion = clockKinds.includes(event.kind) || (event.kind === 'recorder_health' && event.source === 'agent')
  if (!isOfBastion) return Number.NEGATIVE_INFINITY
  return Math.min(
    atMsOf(event),
    event.receivedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(event.receivedAt),
  )
}

const byBastion = (events: readonly SessionEvent[]): [string, SessionEvent[]][] => {
  const groups = new Map<string, SessionEvent[]>()
  for (const event of events) groups.set(event.bastion, [...(groups.get(event.bastion) ?? []), event])
  return [...groups]
}

const connectionsOf = (events: readonly SessionEvent[]): Connection[] => {
  const found = new Map<string, Connection>()
  for (const event of events) {
    const connection = connectionOf(event)
    if (connection) found.set(connection.connectionId, connection)
  }
  return [...found.values()]
}

/** Earlier in event time than all of them a process before this one may have waited for something. */
const scanFromMs = (events: readonly SessionEvent[], clockMs: number): number => {
  const earliestMs = events.reduce((least, event) => Math.min(least, atMsOf(event)), clockMs)
  return Math.max(earliestMs, clockMs - scanLimitMs) - graceMs - slackMs
}

export const createConnectionLedger = (ctx: LedgerContext) => {
  const { catalog } = ctx
  const bastions = new Map<string, Bastion>()

  const look = async (bastion: Bastion, connections: { connection: Connection; clockMs: number }[]): Promise<void> => {
    for (let first = 0; first < connections.length; first += atOnce) {
      const some = connections.slice(first, first + atOnce)
      await Promise.all(
        some.map(async ({ connection, clockMs }) => {
          bastion.waiting.set(connection, await reconcile(ctx, connection, clockMs))
        }),
      )
    }
  }

  /** What waited when an earlier process ended. */
  const startedSince = async (name: string, fromMs: number): Promise<Connection[]> => {
    const found: SessionEvent[] = []
    let cursor: string | null = null
    do {
      const query = { bastion: name, kinds: ['session_started' as const], from: new Date(fromMs), limit: scanPage }
      const page: Awaited<ReturnType<typeof catalog.events>> = await catalog.events({
        ...query,
        ...(cursor && { cursor }),
      })
      found.push(...page.items.filter(({ source }) => source === 'openssh'))
      cursor = page.next
    } while (cursor !== null)
    return connectionsOf(found)
  }

  const firstSight = async (name: string, events: readonly SessionEvent[]): Promise<Bastion> => {
    const { items } = await catalog.events({ bastion: name, kinds: clockKinds, limit: 1 })
    const clockMs = Math.max(...[...items, ...events].map(clockOf))
    const bastion = { clockMs, waiting: createWaiting() }
    if (Number.isFinite(clockMs)) {
      const connections = await startedSince(name, scanFromMs(events, clockMs))
      await look(
        bastion,
        connections.map((connection) => ({ connection, clockMs })),
      )
    }
    return bastion
  }

  const takeOfBastion = async (name: string, events: readonly SessionEvent[]): Promise<void> => {
    const bastion = bastions.get(name) ?? (await firstSight(name, events))
    bastions.set(name, bastion)
    bastion.clockMs = Math.max(bastion.clockMs, ...events.map(clockOf))
    const { clockMs } = bastion
    await look(
      bastion,
      connectionsOf(events).map((connection) => ({ connection, clockMs })),
    )
    await look(bastion, bastion.waiting.due(clockMs))
  }

  return {
    /** Events that are in the catalog. @throws what the catalog does: all of it may be done again */
    take: async (events: readonly SessionEvent[]): Promise<void> => {
      for (const [name, some] of byBastion(events)) await takeOfBastion(name, some)
    },
  }
}
