import type { NewRecord } from '#services/bus/bus.ts'
import { createEntity, type Engine, type Entity } from '../engine/entity.ts'
import { type EntitySnapshot, entityFrom, snapshotOf } from '../engine/snapshot.ts'
import type { Subject } from '../rule.ts'

/** An entity in memory, with what makes it whole again after a crash. */
export type Held = {
  readonly name: string
  entity: Entity
  appliedOffset: number // of its partition: what stands there up to this is in it
  highWater: Map<string, number> // by source
  outbox: NewRecord[] // follows from it, and is not known to be on the bus
  grown: Map<string, NewRecord> // by id: alerts that only grew, to be told at leisure
  revision: number // of what is stored of it; 0: nothing
  markedDueMs: number | null // the state store knows that something falls due, at this time or later
  dirtySinceMs: number | null
  saving: Promise<void> | null
}

/** Plain JSON. Offsets and versions are of one bus. */
export type StoredEntity = {
  busId: string
  appliedOffset: number
  highWater: [string, number][]
  outbox: { topic: NewRecord['topic']; key: string; value: string; headers: Record<string, string> }[]
  snapshot: EntitySnapshot
}

const maxSources = 256

export const newHeld = (name: string, subject: Subject, engine: Pick<Engine, 'program'>): Held => ({
  name,
  entity: createEntity(subject, engine),
  appliedOffset: -1,
  highWater: new Map(),
  outbox: [],
  grown: new Map(),
  revision: 0,
  markedDueMs: null,
  dirtySinceMs: null,
  saving: null,
})

/** What was not told yet goes with it: whoever loads it tells it. */
export const storedOf = ({ entity, appliedOffset, highWater, outbox, grown }: Held, busId: string): StoredEntity => ({
  busId,
  appliedOffset,
  highWater: [...highWater],
  outbox: [...outbox, ...grown.values()].map(({ topic, key, value, headers = {} }) => ({
    topic,
    key,
    value: Buffer.from(value).toString('utf8'),
    headers,
  })),
  snapshot: snapshotOf(entity),
})

/** On another bus offsets begin anew; what was learnt stays. */
const movedTo = (stored: StoredEntity, busId: string): StoredEntity => {
  if (stored.busId === busId) return stored
  const pending = stored.snapshot.pending.map((one) => ({ ...one, version: 0 }))
  return { ...stored, appliedOffset: -1, highWater: [], snapshot: { ...stored.snapshot, pending } }
}

export const heldFrom = (
  name: string,
  stored: StoredEntity,
  revision: number,
  busId: string,
  engine: Pick<Engine, 'program'>,
): Held => {
  const { appliedOffset, highWater, outbox, snapshot } = movedTo(stored, busId)
  return {
    ...newHeld(name, snapshot.subject, engine),
    entity: entityFrom(snapshot, engine),
    appliedOffset,
    highWater: new Map(highWater),
    outbox: outbox.map((record) => ({ ...record, value: Buffer.from(record.value) })),
    revision,
  }
}

/** Remembers the newest sources. */
export const raise = ({ highWater }: Held, source: string, offset: number): void => {
  const before = highWater.get(source) ?? -1
  highWater.delete(source)
  highWater.set(source, Math.max(before, offset))
  if (highWater.size > maxSources) highWater.delete(highWater.keys().next().value!)
}
