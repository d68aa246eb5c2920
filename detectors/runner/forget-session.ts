import { z } from 'zod'
import { listAll } from '#services/access/list-all.ts'
import {
  alertWithoutContent,
  eventWithoutContent,
  explanationOfErased,
  isAboutSession,
  titleOfErased,
} from '#services/erasure/without-content.ts'
import { hasCode } from '#services/errors.ts'
import { Alert } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { StateStore } from '#services/state/state-store.ts'
import type { Engine } from '../engine/entity.ts'
import { digestOfIncident } from '../engine/settle.ts'
import type { EntitySnapshot } from '../engine/snapshot.ts'
import { settleHeld } from './apply.ts'
import { decodeEntity, encodeEntity, entityPrefix } from './entity-store.ts'
import { type Held, heldFrom, type StoredEntity, storedOf } from './held.ts'

/**
 * What rules know of a session that was erased: that something happened, and when. What was typed, started or named in it
 * goes, out of events that wait for later ones, out of cases, and out of what was told.
 */

const ids = z.array(z.string()).catch([])
const EventLike = z.looseObject({ kind: z.string(), bastion: z.string(), sessionId: z.string() })
const IncidentLike = z.looseObject({
  ruleId: z.string(),
  finding: z.looseObject({ sessionIds: ids }),
  opened: ids,
})
const CaseLike = z.looseObject({ deeds: z.array(z.looseObject({ line: z.string() })) })

type Json = Record<string, unknown>

const incidentWithout = (value: Json, { ruleId, finding, opened }: z.infer<typeof IncidentLike>, id: string): Json => {
  if (!finding.sessionIds.includes(id) && !opened.includes(id)) return value
  const said = { title: titleOfErased(ruleId), explanation: explanationOfErased, baseline: null }
  return { ...value, finding: { ...(value.finding as Json), ...said } }
}

/** One object, by its form. */
const objectWithout = (value: Json, id: string): Json => {
  if (EventLike.safeParse(value).data?.sessionId === id) return eventWithoutContent(value as SessionEvent)
  const incident = IncidentLike.safeParse(value).data
  if (incident) return incidentWithout(value, incident, id)
  const deeds = value.sessionId === id || value.window === id ? CaseLike.safeParse(value).data?.deeds : undefined
  return deeds ? { ...value, deeds: deeds.map((deed) => ({ ...deed, line: '' })) } : value
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The same JSON, without content of the session. */
const jsonWithout = (value: unknown, id: string): unknown => {
  if (Array.isArray(value)) return value.map((one) => jsonWithout(one, id))
  if (!isObject(value)) return value
  const rest = objectWithout(value, id)
  return Object.fromEntries(Object.entries(rest).map(([name, inner]) => [name, jsonWithout(inner, id)]))
}

/** Of what pending events alone had made nothing is told again: the alert stands as it was told. */
const publishedWithout = (published: EntitySnapshot['published'], base: EntitySnapshot['base'], id: string) =>
  Object.fromEntries(
    Object.entries(published).flatMap(([key, one]) => {
      const { finding, opened } = one.incident
      if (!(finding.sessionIds ?? []).includes(id) && !opened.includes(id)) return [[key, one]]
      if (!(key in base.incidents) && !one.isClosed) return []
      const incident = jsonWithout(one.incident, id) as typeof one.incident
      return [[key, { ...one, incident, digest: digestOfIncident(incident) }]]
    }),
  )

const outgoingWithout = <R extends { topic: string; value: string }>(record: R, id: string): R => {
  const json: unknown = JSON.parse(record.value)
  const alert = record.topic === 'alerts' ? Alert.safeParse(json).data : undefined
  const after = alert ? (isAboutSession(alert, id) ? alertWithoutContent(alert) : json) : jsonWithout(json, id)
  return { ...record, value: JSON.stringify(after) }
}

/** Pure; the same object when there was nothing. */
const storedWithout = (stored: StoredEntity, id: string): StoredEntity => {
  const before = JSON.stringify(stored)
  if (!before.includes(id)) return stored
  const { published, ...rest } = stored.snapshot
  const snapshot = jsonWithout(rest, id) as typeof rest
  const after: StoredEntity = {
    ...stored,
    outbox: stored.outbox.map((record) => outgoingWithout(record, id)),
    snapshot: { ...snapshot, published: publishedWithout(published, rest.base, id) },
  }
  return JSON.stringify(after) === before ? stored : after
}

/** True: something was forgotten, and is to be stored. */
export const forgetInHeld = (held: Held, sessionIds: readonly string[], busId: string, engine: Engine): boolean => {
  const stored = storedOf(held, busId)
  const after = sessionIds.reduce(storedWithout, stored)
  if (after === stored) return false
  const { entity, outbox } = heldFrom(held.name, after, held.revision, busId, engine)
  Object.assign(held, { entity, outbox, grown: new Map() })
  settleHeld(held, engine)
  return true
}

/**
 * In what is stored of all entities; who holds one in memory forgets by itself. @returns how many held something: one that
 * was written meanwhile counts, and is for the next time
 */
export const forgetInStore = async (state: StateStore, sessionId: string): Promise<number> => {
  let count = 0
  for await (const { key, value, revision } of listAll(state, entityPrefix)) {
    const stored = await decodeEntity(value)
    const after = storedWithout(stored, sessionId)
    if (after === stored) continue
    count++
    await state.put(key, await encodeEntity(after), { ifRevision: revision }).catch((error: unknown) => {
      if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
    })
  }
  return count
}
