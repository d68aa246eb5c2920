import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import type { Session } from '#services/schema/session.ts'
import type { RecorderContext } from './context.ts'
import { elapsedMs } from './steps/plan-order.ts'
import { seal } from './steps/seal.ts'

const lookEveryMs = 60_000
const pageSize = 200

/** When a bastion's agent was last heard of, Unix ms; null: never. */
export type LastHeartbeatMs = (bastion: string) => Promise<number | null>

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
  if (session.state !== 'open' || !hasEvidence) return false
  const activeMs = Date.parse(session.lastActivityAt ?? session.startedAt)
  return elapsedMs(nowMs, Math.max(heardMs, activeMs)) >= orphanAfterMs
}

/** What comes later continues the chain; the next manifest names the provisional one. To be called at any rate. */
export const createOrphanWatch = (ctx: RecorderContext, lastHeartbeatMs: LastHeartbeatMs) => {
  const { catalog, clock, config, log } = ctx
  const startedMs = clock.now()
  const closedUpTo = new Map<string, number>() // last seq of the sessions that are closed already
  let lookedMs = startedMs

  const closeProvisionally = async ({ id, bastion }: Session): Promise<void> => {
    const last = (await catalog.blocks(id)).at(-1)
    const prefix = last && parseSessionKey(last.key)?.prefix
    if (prefix === undefined || closedUpTo.get(id) === last?.lastSeq) return
    log.warn({ sessionId: id, bastion }, 'its agent is silent: the evidence is closed provisionally')
    const manifestKey = await seal(ctx, { sessionId: id, bastion, prefix, end: null }, true)
    if (manifestKey !== null) await catalog.markSealed(id, manifestKey)
    closedUpTo.set(id, last?.lastSeq ?? -1)
  }
  const look = async (): Promise<void> => {
    const heard = new Map<string, number>()
    let cursor: string | undefined
    do {
      const page = await catalog.sessions({ state: 'open', limit: pageSize, ...(cursor !== undefined && { cursor }) })
      for (const session of page.items) {
        const heardMs = heard.get(session.bastion) ?? (await lastHeartbeatMs(session.bastion)) ?? startedMs
        heard.set(session.bastion, heardMs)
        if (isOrphan(session, heardMs, clock.now(), config.orphanAfterMs)) await closeProvisionally(session)
      }
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
  }
  return async (): Promise<void> => {
    if (elapsedMs(clock.now(), lookedMs) < lookEveryMs) return
    lookedMs = clock.now()
    await look()
  }
}
