import { v7 as uuidv7 } from 'uuid'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Principal } from '#services/schema/access.ts'

export type AuditEntry = {
  principal: Principal
  action: string
  object?: string | undefined
  sessionId?: string | undefined
  reason?: string | undefined
  sourceIp?: string | undefined
  /** An open page asks again every few seconds: the same person, action and object count once in five minutes. */
  repeats?: boolean
}

/** Who viewed, searched, exported, changed what. Resolves when the record is durable: call it before the first byte. */
export type Audit = (entry: AuditEntry) => Promise<void>

const repeatWindowMs = 5 * 60_000
const mostRemembered = 10_000

/** An event that is longer than its schema takes would be put aside, and the record of it with it. */
const cut = (text: string | undefined, max: number): string | null => text?.slice(0, max).toWellFormed() ?? null

const eventOf = (entry: AuditEntry, bastion: string, nowMs: number) => {
  const { principal, action, object, sessionId, reason, sourceIp } = entry
  const at = new Date(nowMs).toISOString()
  return {
    id: uuidv7(),
    at,
    receivedAt: at,
    kind: 'access',
    source: 'viewer',
    bastion,
    user: principal.name,
    sourceIp: sourceIp ?? null,
    sessionId: null, // else it would be erased with the session it tells about
    outcome: 'success',
    actor: `${principal.name} (${principal.role}, ${principal.id})`,
    action,
    object: cut(sessionId ?? object, 512),
    reason: cut(reason, 1_024),
  }
}

export const createAudit = (options: { bus: Pick<Bus, 'produce'>; bastion: string; clock: Clock }): Audit => {
  const { bus, bastion, clock } = options
  const recent = new Map<string, number>()
  return async (entry) => {
    const nowMs = clock.now()
    const key = JSON.stringify([entry.principal.id, entry.action, entry.sessionId, entry.object])
    if (entry.repeats && nowMs - (recent.get(key) ?? -Infinity) < repeatWindowMs) return
    const value = Buffer.from(JSON.stringify(eventOf(entry, bastion, nowMs)))
    await bus.produce([{ topic: 'session-events', key: bastion, value }])
    recent.delete(key)
    recent.set(key, nowMs)
    if (recent.size > mostRemembered) recent.delete(recent.keys().next().value!)
  }
}
