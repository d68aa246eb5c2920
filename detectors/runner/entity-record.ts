import { z } from 'zod'
import type { BusRecord, NewRecord } from '#services/bus/bus.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { eventKinds, type SessionEvent } from '#services/schema/session-event.ts'
import type { EntityKind, Observed, Subject } from '../rule.ts'

/** What travels on entity-events, keyed by the entity. */

/** `source`, `offset`: where it comes from, in order per source. `arrivedMs`: when the bus took the event itself. */
export type EntityEvent = {
  subject: Subject
  observed: Observed
  source: string
  offset: number
  arrivedMs: number
}
/** `reached`: by source, the time up to which all that the bus had taken from there stands in this partition. */
export type Tick = { atMs: number; reached: Record<string, number> }
export type EntityMessage = { event: EntityEvent } | { tick: Tick } | { reason: string }

const topic = 'entity-events'
const kinds: readonly EntityKind[] = ['user', 'network', 'bastion']
const eventKindNames: readonly string[] = eventKinds

/** These were whole events when they were written here; what all rules rely on is looked at once more. */
const isEvent = (value: unknown): value is SessionEvent => {
  if (typeof value !== 'object' || value === null) return false
  const { id, kind, bastion } = value as Partial<Record<string, unknown>>
  const isKind = typeof kind === 'string' && eventKindNames.includes(kind)
  return typeof id === 'string' && typeof bastion === 'string' && isKind
}
const count = z.number().int().nonnegative()
const Message = z.union([
  z.object({
    observed: z.object({
      event: z.custom<SessionEvent>(isEvent),
      timeMs: z.number(),
      origin: z.object({ otherUsers: count, networkUsers: count, failures: count, failedUsers: count }).nullable(),
    }),
  }),
  z.object({ tick: z.object({ atMs: z.number(), reached: z.record(z.string().max(64), z.number()) }) }),
])
const Place = z.object({ source: z.string().max(512), offset: z.coerce.number(), arrivedMs: z.coerce.number() })

export const nameOf = ({ kind, key }: Subject): string => `${kind}:${key}`
export const subjectOf = (name: string): Subject | null => {
  const at = name.indexOf(':')
  const kind = kinds.find((one) => one === name.slice(0, at))
  return kind === undefined ? null : { kind, key: name.slice(at + 1) }
}

export const eventRecord = ({ subject, observed, source, offset, arrivedMs }: EntityEvent): NewRecord => {
  const { event, timeMs, origin } = observed
  return {
    topic,
    key: nameOf(subject),
    value: Buffer.from(JSON.stringify({ observed: { event, timeMs, origin } })),
    headers: { source, offset: `${offset}`, arrivedMs: `${arrivedMs}` },
  }
}

const tickKeys = new Map<number, string[]>()
/** A key for each partition: the bus takes keys, not partitions. */
const keysOf = (partitions: number): string[] => {
  const known = tickKeys.get(partitions)
  if (known) return known
  const keys = new Map<number, string>()
  for (let n = 0; keys.size < partitions; n++) keys.set(partitionOfKey(`tick:${n}`, partitions), `tick:${n}`)
  const inOrder = Array.from({ length: partitions }, (_, partition) => keys.get(partition)!)
  tickKeys.set(partitions, inOrder)
  return inOrder
}
/** The same tick for every partition. */
export const tickRecords = (tick: Tick, partitions: number): NewRecord[] => {
  const value = Buffer.from(JSON.stringify({ tick }))
  return keysOf(partitions).map((key) => ({ topic, key, value }))
}

const messageOf = (record: BusRecord): z.infer<typeof Message> | null => {
  try {
    return Message.safeParse(JSON.parse(Buffer.from(record.value).toString('utf8'))).data ?? null
  } catch {
    return null
  }
}

export const decodeEntityRecord = (record: BusRecord): EntityMessage => {
  const message = messageOf(record)
  if (message === null) return { reason: 'neither an event nor a tick' }
  if ('tick' in message) return message
  const subject = subjectOf(record.key)
  const place = Place.safeParse(record.headers).data
  if (subject === null || place === undefined) return { reason: 'no entity or no source' }
  return { event: { subject, observed: message.observed, ...place } }
}
