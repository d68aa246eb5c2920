import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { leafRecord } from '#services/proofs/leaf.ts'
import type { Principal } from '#services/schema/access.ts'

export type AuditEntry = {
  /** `role`: or what somebody is who has none. */
  principal: Pick<Principal, 'id' | 'name'> & { role: string }
  action: string
  object?: string | undefined
  sessionId?: string | undefined
  reason?: string | undefined
  sourceIp?: string | undefined
  outcome?: 'failure' // it was refused
  /** An open page asks again every few seconds: the same person, action and object count once in five minutes. */
  repeats?: boolean
  /** Of what was recorded something is shown: the log of the evidence has a leaf of it. */
  isContent?: boolean
}

/** Who viewed, searched, exported, changed what. Resolves when record and leaf are durable: call it before the first byte. */
export type Audit = (entry: AuditEntry) => Promise<void>

const repeatWindowMs = 5 * 60_000
const mostRemembered = 10_000

/** An event that is longer than its schema takes would be put aside, and the record of it with it. */
const cut = (text: string | undefined, max: number): string | null => text?.slice(0, max).toWellFormed() ?? null

const eventOf = (entry: AuditEntry, bastion: string, nowMs: number) => {
  const { principal, action, object, sessionId, reason, sourceIp, outcome = 'success', isContent } = entry
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
    outcome,
    actor: `${principal.name} (${principal.role}, ${principal.id})`,
    action,
    object: cut(sessionId ?? object, 512),
    reason: cut(reason, 1_024),
    // Nobody who has the public log can guess who saw what, and look whether the hash is that of the guess.
    ...(isContent && { salt: randomBytes(32).toString('hex') }),
  }
}

export const createAudit = (options: { bus: Pick<Bus, 'produce'>; bastion: string; clock: Clock }): Audit => {
  const { bus, bastion, clock } = options
  const recent = new Map<string, number>()
  return async (entry) => {
    const nowMs = clock.now()
    const key = JSON.stringify([entry.principal.id, entry.action, entry.sessionId, entry.object, entry.reason])
    if (entry.repeats && nowMs - (recent.get(key) ?? -Infinity) < repeatWindowMs) return
    const event = eventOf(entry, bastion, nowMs)
    const value = Buffer.from(JSON.stringify(event))
    await bus.produce([{ topic: 'session-events', key: bastion, value }])
    // Only then: a leaf of an event that nobody has could never be explained.
    if (entry.isContent) await bus.produce([leafRecord('access', event.id, value)])
    recent.delete(key)
    recent.set(key, nowMs)
    if (recent.size > mostRemembered) recent.delete(recent.keys().next().value!)
  }
}
