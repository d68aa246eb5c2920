import type { NewRecord } from '#services/bus/bus.ts'
import type { Alert } from '#services/schema/alert.ts'
import { alertOf } from '../alert.ts'
import type { Directory } from '../directory/directory.ts'
import type { Engine, Entity, Forward } from '../engine/entity.ts'
import { forwardedTo } from '../engine/observe.ts'
import { type IncidentChange, settle } from '../engine/settle.ts'
import { type Taken, takeEvent } from '../engine/take.ts'
import { type EntityEvent, eventRecord } from './entity-record.ts'
import { type Held, raise } from './held.ts'

/** The source of what networks send on: one each, so that its versions only grow. */
const isFromNetwork = (source: string): boolean => source.startsWith('network:')

/** Whoever starts again repeats what it did: known, where the engine no longer remembers the single event. */
const isRepeated = ({ entity, highWater }: Held, { source, offset, observed }: EntityEvent): boolean => {
  if (observed.timeMs >= entity.base.timeMs) return false
  const known = highWater.get(source) ?? -1
  return isFromNetwork(source) ? offset < known : offset <= known
}

/** `at`: its offset in the partition of the entity. */
export const applyEvent = (held: Held, event: EntityEvent, at: number, engine: Engine, nowMs: number): Taken => {
  if (at <= held.appliedOffset) return 'duplicate'
  held.appliedOffset = at
  held.dirtySinceMs ??= nowMs
  const { source, offset, observed, arrivedMs } = event
  if (isRepeated(held, event)) return 'duplicate'
  raise(held, source, offset)
  return takeEvent(held.entity, observed, engine, { arrivedMs, version: isFromNetwork(source) ? offset : 0 })
}

/** Not merely more of the same. */
const isNews = ({ before, incident, withdrawn }: IncidentChange): boolean =>
  withdrawn ||
  before === null ||
  before.finding.severity !== incident.finding.severity ||
  (before.finding.isOver ?? false) !== (incident.finding.isOver ?? false)

const alertRecord = (alert: Alert): NewRecord => ({
  topic: 'alerts',
  key: alert.id,
  value: Buffer.from(JSON.stringify(alert)),
  headers: { rule: alert.rule, severity: alert.severity },
})

const tell = (held: Held, change: IncidentChange): void => {
  const alert = alertOf(held.entity.subject, change.incident, change.withdrawn)
  if (!isNews(change)) {
    held.grown.set(alert.id, alertRecord(alert))
    return
  }
  held.grown.delete(alert.id)
  held.outbox.push(alertRecord(alert))
}

const forward = (held: Held, observed: Forward, directory: Directory): void => {
  const place = { source: held.name, offset: held.appliedOffset, arrivedMs: observed.arrivedMs }
  for (const subject of forwardedTo(observed, directory)) held.outbox.push(eventRecord({ subject, observed, ...place }))
}

/**
 * What follows from what was taken, into the outbox. True: an alert is told for the first time. A crash after that must
 * not forget that it was, or nobody would take it back: the entity has to be stored before it is sent.
 */
export const settleHeld = (held: Held, engine: Engine): boolean => {
  const { changes, forwards } = settle(held.entity, engine)
  for (const one of forwards) forward(held, one, engine.context.directory)
  for (const change of changes) tell(held, change)
  return changes.some(({ before }) => before === null)
}

/** Nothing waits to be stored or sent. */
export const isClean = ({ dirtySinceMs, outbox, grown, saving }: Held): boolean =>
  dirtySinceMs === null && outbox.length === 0 && grown.size === 0 && saving === null

export const hasPending = ({ pending }: Entity): boolean => pending.length > 0
