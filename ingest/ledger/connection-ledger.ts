import type { EventKind, SessionEvent } from '#services/schema/session-event.ts'
import { type Connection, type LedgerContext, reconcile } from './reconcile.ts'
import { createToldLocals } from './told-locals.ts'
import { atMsOf, isOfLog, slackMs } from './visits.ts'
import { createWaiting } from './waiting.ts'

/** Joins what sshd logged with what recorders saw, for the bastions of one partition of session-events. */

const atOnce = 16
const lateMs = 3_600_000
const scanPage = 1_000
const clockKinds: EventKind[] = ['login', 'login_failed', 'session_started', 'session_ended', 'command']
const maxConnectionIdChars = 128
const maxBastions = 10_000
const recalledAtOnce = 20

/** `movedAtMs`: by our clock, when it last told its time; from there on it goes as ours does. */
type Bastion = {
  clockMs: number
  movedAtMs: number
  waiting: ReturnType<typeof createWaiting>
  told: ReturnType<typeof createToldLocals>
}

/** Null for an event that says nothing about the sessions of a connection. */
const connectionOf = (event: SessionEvent): Connection | null => {
  const { kind, bastion, connectionId } = event
  const isJoined = kind === 'login' || kind === 'session_started' || (kind === 'session_ended' && !event.recorded)
  if (!isJoined || typeof connectionId !== 'string' || connectionId === '') return null
  return connectionId.length > maxConnectionIdChars ? null : { bastion, connectionId }
}

/**
 * What the bastion's own sources say moves its time; a person at the console does not, since what was recorded may still
 * wait on the bastion. No event is later than it was received; and what no agent sent (an old log) has nothing behind it
 * that is still on its way, so its time is when it came.
 */
const clockOf = (event: SessionEvent): number => {
  const isOfBastion = clockKinds.includes(event.kind) || (event.kind === 'recorder_health' && event.source === 'agent')
  if (!isOfBastion) return Number.NEGATIVE_INFINITY
  if (event.receivedAt === undefined) return atMsOf(event)
  const receivedMs = Date.parse(event.receivedAt)
  return typeof event.agentSeq === 'number' ? Math.min(atMsOf(event), receivedMs) : receivedMs
}

const connectionsOf = (events: readonly SessionEvent[]): Connection[] => {
  const found = new Map<string, Connection>()
  for (const event of events) {
    const connection = connectionOf(event)
    if (connection) found.set(connection.connectionId, connection)
  }
  return [...found.values()]
}

export const createConnectionLedger = (ctx: LedgerContext) => {
  const { catalog, clock, graceMs } = ctx
  const bastions = new Map<string, Bastion>()
  let unknown: string[] | null = null // that an earlier process may have left waiting; null: not asked yet

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

  const toldBetween = async (name: string, fromMs: number, toMs: number): Promise<SessionEvent[]> => {
    const found: SessionEvent[] = []
    const range = { from: new Date(fromMs - graceMs - slackMs), to: new Date(toMs) }
    const kinds: EventKind[] = ['session_started', 'session_ended']
    let cursor: string | null = null
    do {
      const query = { bastion: name, kinds, ...range, limit: scanPage }
      const page: Awaited<ReturnType<typeof catalog.events>> = await catalog.events({
        ...query,
        ...(cursor && { cursor }),
      })
      found.push(...page.items.filter(isOfLog))
      cursor = page.next
    } while (cursor !== null)
    return found
  }

  const newest = async (name: string, to?: Date): Promise<SessionEvent | undefined> =>
    (await catalog.events({ bastion: name, kinds: clockKinds, limit: 1, ...(to && { to }) })).items[0]

  /**
   * What waited when an earlier process ended waited at the end of what that one knew: before these events, or, where
   * they come late, in the last hour.
   */
  const firstSight = async (name: string, events: readonly SessionEvent[]): Promise<Bastion> => {
    const last = await newest(name)
    const bastion = {
      clockMs: Math.max(...[...(last ? [last] : []), ...events].map(clockOf)),
      movedAtMs: clock.now(),
      waiting: createWaiting(),
      told: createToldLocals(),
    }
    const earliestMs = Math.min(...events.map(atMsOf))
    const before = await newest(name, new Date(earliestMs - 1))
    const beforeMs = before ? atMsOf(before) : earliestMs
    const lastMs = last ? atMsOf(last) : beforeMs
    const started = await toldBetween(name, beforeMs, beforeMs)
    started.push(...(await toldBetween(name, Math.max(beforeMs, lastMs - lateMs), lastMs)))
    if (!Number.isFinite(bastion.clockMs)) return bastion
    await bastion.told.recall(catalog, name, lastMs)
    const connections = connectionsOf(started)
    await look(
      bastion,
      connections.map((connection) => ({ connection, clockMs: bastion.clockMs })),
    )
    return bastion
  }

  const takeOfBastion = async (name: string, events: readonly SessionEvent[]): Promise<void> => {
    const bastion = bastions.get(name) ?? (await firstSight(name, events))
    bastions.delete(name) // to its end: the first ones spoke longest ago, and are known again by the catalog
    bastions.set(name, bastion)
    if (bastions.size > maxBastions) bastions.delete(bastions.keys().next().value!)
    const toldMs = Math.max(...events.map(clockOf))
    if (Number.isFinite(toldMs)) {
      bastion.clockMs = Math.max(bastion.clockMs, toldMs)
      bastion.movedAtMs = clock.now()
    }
    const { clockMs } = bastion
    bastion.told.take(events)
    const told = [...connectionsOf(events), ...bastion.told.explainedBy(name, events)]
    await look(
      bastion,
      told.map((connection) => ({ connection, clockMs })),
    )
    await look(bastion, bastion.waiting.due(clockMs))
  }

  /** Of which nothing came since this process began, but which may have something that waits. */
  const recall = async (isOurs: (bastion: string) => boolean): Promise<void> => {
    unknown ??= (await catalog.bastions()).filter(isOurs)
    for (const name of unknown.slice(0, recalledAtOnce)) {
      if (!bastions.has(name)) {
        const last = await newest(name)
        if (last) bastions.set(name, await firstSight(name, [last]))
      }
      unknown.shift()
    }
  }

  return {
    /** What time demands of bastions that say nothing more. `isOurs`: whose events come here. */
    tick: async (isOurs: (bastion: string) => boolean): Promise<void> => {
      await recall(isOurs)
      const nowMs = clock.now()
      for (const bastion of bastions.values()) {
        const sinceMs = Math.max(0, nowMs - bastion.movedAtMs)
        await look(bastion, bastion.waiting.due(bastion.clockMs + sinceMs))
      }
    },
    /** Events that are in the catalog. @throws what the catalog does: all of it may be done again */
    take: async (events: readonly SessionEvent[]): Promise<void> => {
      for (const [name, some] of Map.groupBy(events, ({ bastion }) => bastion)) await takeOfBastion(name, some)
    },
  }
}
