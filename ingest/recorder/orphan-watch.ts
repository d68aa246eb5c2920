import { gapEvent } from '#ingest/ledger/gap-event.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { isUnended, type Session } from '#services/schema/session.ts'
import type { RecorderContext } from './context.ts'
import { elapsedMs } from './steps/plan-order.ts'
import { seal } from './steps/seal.ts'

const longestLookMs = 60_000
const pageSize = 200

/** When a bastion's agent was last heard of, Unix ms; null: never. */
export type LastHeartbeatMs = (bastion: string) => Promise<number | null>
/** `silentMs`: an agent that was not heard for so long is silent, and what is open of it is late. */
export type Silence = { lastHeartbeatMs: LastHeartbeatMs; silentMs: number }

type Activity = Pick<Session, 'lastActivityAt' | 'startedAt'>
const heardOf = ({ lastActivityAt, startedAt }: Activity, heardMs: number): number =>
  Math.max(heardMs, Date.parse(lastActivityAt ?? startedAt))

/** Whether what is here of an unended session is old, because its agent is not heard. */
export const isLate = (session: Activity, heardMs: number, nowMs: number, silentMs: number): boolean =>
  elapsedMs(nowMs, heardOf(session, heardMs)) >= silentMs

/**
 * Whether the agent of a session has been silent for so long that the evidence is closed provisionally. A heartbeat
 * keeps every session of its bastion: silence of a session that the agent still holds never ends it.
 */
export const isOrphan = (
  session: Pick<Session, 'state' | 'evidence' | 'lastActivityAt' | 'startedAt'>,
  heardMs: number,
  nowMs: number,
  orphanAfterMs: number,
): boolean => {
  const hasEvidence = session.evidence === 'pending' || session.evidence === 'sealed'
  if (!isUnended(session.state) || !hasEvidence) return false
  return elapsedMs(nowMs, heardOf(session, heardMs)) >= orphanAfterMs
}

/**
 * Sessions of silent agents become late, and open again when these are heard; after longer they are truncated, and their
 * evidence is closed provisionally. What comes later continues the chain; the next manifest names the provisional one. To be called at any rate.
 */
export const createOrphanWatch = (ctx: RecorderContext, { lastHeartbeatMs, silentMs }: Silence) => {
  const { bus, catalog, clock, config, log } = ctx
  const startedMs = clock.now()
  const closedUpTo = new Map<string, number>() // last seq of the sessions that are closed already
  let lookedMs = startedMs
  const lookEveryMs = Math.min(longestLookMs, silentMs)

  const closeProvisionally = async ({ id, bastion }: Session): Promise<void> => {
    const last = (await catalog.blocks(id)).at(-1)
    const prefix = last && parseSessionKey(last.key)?.prefix
    if (prefix === undefined || closedUpTo.get(id) === last?.lastSeq) return
    log.warn({ sessionId: id, bastion }, 'its agent is silent: the evidence is closed provisionally')
    const manifestKey = await seal(ctx, { sessionId: id, bastion, prefix, end: null }, true)
    if (manifestKey !== null) await catalog.markSealed(id, manifestKey)
    closedUpTo.set(id, last?.lastSeq ?? -1)
  }
  /** No more of it is expected; what comes all the same makes it open again. */
  const truncate = async (session: Session): Promise<void> => {
    const { id, bastion } = session
    const endDetail = 'its agent is silent, and more of it is not expected'
    const event = gapEvent({ ...session, state: 'truncated', endDetail }, session.state, clock.now())
    if (event) await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
    await catalog.markTruncated([id])
  }
  const lookAt = async (state: 'open' | 'late', heard: Map<string, number>, orphans: Session[]): Promise<string[]> => {
    const changed: string[] = []
    let cursor: string | undefined
    do {
      const page = await catalog.sessions({ state, limit: pageSize, ...(cursor !== undefined && { cursor }) })
      for (const session of page.items) {
        const heardMs = heard.get(session.bastion) ?? (await lastHeartbeatMs(session.bastion)) ?? startedMs
        heard.set(session.bastion, heardMs)
        if (isOrphan(session, heardMs, clock.now(), config.orphanAfterMs)) {
          await closeProvisionally(session)
          orphans.push(session)
        } else if (isLate(session, heardMs, clock.now(), silentMs) !== (state === 'late')) changed.push(session.id)
      }
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return changed
  }
  const mark = async (ids: string[], late: boolean): Promise<void> => {
    for (let from = 0; from < ids.length; from += pageSize)
      await catalog.markLate(ids.slice(from, from + pageSize), late)
  }
  const look = async (): Promise<void> => {
    const orphans: Session[] = []
    const heard = new Map<string, number>()
    // Both lists first: what is marked would come up in the other.
    const [open, late] = [await lookAt('open', heard, orphans), await lookAt('late', heard, orphans)]
    for (const session of orphans) await truncate(session)
    await mark(open, true)
    await mark(late, false)
  }
  return async (): Promise<void> => {
    if (elapsedMs(clock.now(), lookedMs) < lookEveryMs) return
    lookedMs = clock.now()
    await look()
  }
}
