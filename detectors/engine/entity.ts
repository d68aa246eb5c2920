import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Observed, Subject } from '../rule.ts'
import { digestOf } from './digest.ts'
import {
  emptyFolded,
  type FoldContext,
  type Folded,
  foldDues,
  foldEvent,
  type Incident,
  isClosed,
  type Program,
} from './folded.ts'
import { createSeenIds, type SeenIds } from './seen-ids.ts'

/**
 * One user, network or bastion. Events of the last while are kept in order of event time with the state after each, so
 * that one that arrives late is put where it belongs and only what follows it is done again: in the end the same stands,
 * whatever the order of arrival was.
 */
export type Entity = {
  readonly subject: Subject
  base: Folded // up to before the first pending event
  baseFirstMs: number | null // of the first event that is in the base
  pending: Pending[]
  foldedCount: number // so many of the pending ones have a state after them that holds
  tip: Folded // after all pending events and what fell due
  isSettled: boolean
  tickMs: number
  maxMs: number
  seen: SeenIds // of what is in the base
  published: Record<string, Published>
}
export type Pending = { observed: Observed; after: Folded | null; forwarded: string | null }
type Published = { incident: Incident; digest: string }

/** An incident that is new, has grown, or lost its ground. */
export type IncidentChange = { key: string; incident: Incident; withdrawn: boolean }
/** `closed`: nothing is added to them any more, what was said of them last stands. */
export type EntityChange = { changes: IncidentChange[]; closed: Incident[]; forwards: Observed[] }

export type Engine = {
  program: Program
  context: FoldContext
  horizonMs: number
}

/** Events that come later than this, and are no history from before the first one, are counted and left out. */
const tooLateMs = 7 * 86_400_000
const maxPending = 20_000

export type Taken = 'taken' | 'duplicate' | 'history' | 'too late'

export const createEntity = (subject: Subject, { program }: Pick<Engine, 'program'>): Entity => {
  const empty = emptyFolded(program)
  return {
    subject,
    base: empty,
    baseFirstMs: null,
    pending: [],
    foldedCount: 0,
    tip: empty,
    isSettled: true,
    tickMs: 0,
    maxMs: 0,
    seen: createSeenIds(),
    published: {},
  }
}

const isBefore = (a: Observed, b: Observed): boolean =>
  a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.event.id < b.event.id)

/** Where it belongs among the pending ones. */
const placeOf = (pending: readonly Pending[], observed: Observed): number => {
  let [low, high] = [0, pending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(pending[middle]!.observed, observed)) low = middle + 1
    else high = middle
  }
  return low
}

const invalidateFrom = (entity: Entity, at: number): void => {
  entity.foldedCount = Math.min(entity.foldedCount, at)
  entity.isSettled = false
}

const takePending = (entity: Entity, observed: Observed): Taken => {
  const at = placeOf(entity.pending, observed)
  const there = entity.pending[at]
  if (there?.observed.event.id === observed.event.id) {
    if (digestOf(there.observed.origin) === digestOf(observed.origin)) return 'duplicate'
    there.observed = observed // the same event, and its network knows better by now
  } else entity.pending.splice(at, 0, { observed, after: null, forwarded: null })
  invalidateFrom(entity, at)
  return 'taken'
}

/** It belongs before what cannot be done again: it is done now. */
const takeLate = (entity: Entity, observed: Observed, { program, context }: Engine): Taken => {
  if (entity.seen.has(observed.event.id)) return 'duplicate'
  const isHistory = entity.baseFirstMs !== null && observed.timeMs < entity.baseFirstMs
  if (!isHistory && observed.timeMs < entity.maxMs - tooLateMs) return 'too late'
  const folded = foldEvent(program, entity.base, observed, context, entity.subject, isHistory)
  entity.base = isHistory ? { ...folded, incidents: entity.base.incidents } : folded
  entity.seen.add(observed.event.id)
  invalidateFrom(entity, 0)
  return isHistory ? 'history' : 'taken'
}

/** Puts it in its place; `settle` tells what follows from it. */
export const takeEvent = (entity: Entity, observed: Observed, engine: Engine): Taken => {
  const taken =
    observed.timeMs < entity.base.timeMs ? takeLate(entity, observed, engine) : takePendingOnce(entity, observed)
  if (taken === 'taken') entity.maxMs = Math.max(entity.maxMs, observed.timeMs)
  return taken
}
const takePendingOnce = (entity: Entity, observed: Observed): Taken =>
  entity.seen.has(observed.event.id) ? 'duplicate' : takePending(entity, observed)

export const takeTick = (entity: Entity, atMs: number): void => {
  if (atMs <= entity.tickMs) return
  entity.tickMs = atMs
  entity.isSettled = false
}

const forwardKinds: ReadonlySet<SessionEvent['kind']> = new Set(['login', 'login_failed'])

/** What its network knew before the event goes on with it, once, and again when the network knows better. */
const forwardOf = (one: Pending, before: Folded, { program }: Engine): Observed[] => {
  if (program.annotator === null || !forwardKinds.has(one.observed.event.kind)) return []
  const origin = program.annotator.before(before.annotation, one.observed)
  const digest = digestOf(origin)
  if (digest === one.forwarded) return []
  one.forwarded = digest
  return [{ ...one.observed, origin }]
}

/** Does what has no state after it, and says which events go on. */
const refold = (entity: Entity, engine: Engine): Observed[] => {
  const { program, context } = engine
  const { pending, subject } = entity
  const forwards: Observed[] = []
  let before = entity.foldedCount === 0 ? entity.base : pending[entity.foldedCount - 1]!.after!
  for (; entity.foldedCount < pending.length; entity.foldedCount++) {
    const one = pending[entity.foldedCount]!
    forwards.push(...forwardOf(one, before, engine))
    one.after = foldEvent(program, before, one.observed, context, subject)
    before = one.after
  }
  entity.tip = foldDues(program, before, Math.max(entity.tickMs, before.timeMs), context, subject)
  return forwards
}

const changed = ({ published, tip }: Entity): IncidentChange[] => {
  const changes: IncidentChange[] = []
  for (const [key, incident] of Object.entries(tip.incidents)) {
    const before = published[key]
    if (before?.incident === incident) continue
    const digest = digestOf([incident.revision, incident.finding, incident.opened])
    published[key] = { incident, digest }
    if (before?.digest !== digest) changes.push({ key, incident, withdrawn: false })
  }
  return changes
}

/** What stood and stands no more: it is over for days, or an event that came late took its ground away. */
const gone = ({ published, tip }: Entity): Pick<EntityChange, 'changes' | 'closed'> => {
  const missing = Object.entries(published).filter(([key]) => !(key in tip.incidents))
  for (const [key] of missing) delete published[key]
  const closed = missing.filter(([, { incident }]) => isClosed(incident, tip.timeMs))
  const withdrawn = missing.filter(([, { incident }]) => !isClosed(incident, tip.timeMs))
  return {
    closed: closed.map(([, { incident }]) => incident),
    changes: withdrawn.map(([key, { incident }]) => ({ key, incident, withdrawn: true })),
  }
}

/** Moves what nothing can come before any more out of the pending ones. */
const compact = (entity: Entity, { horizonMs }: Engine): void => {
  const { pending } = entity
  const untilMs = entity.maxMs - horizonMs
  let count = Math.max(0, pending.length - maxPending)
  while (count < pending.length && pending[count]!.observed.timeMs < untilMs) count++
  if (count === 0) return
  entity.base = pending[count - 1]!.after!
  entity.foldedCount -= count
  for (const { observed } of pending.splice(0, count)) {
    entity.baseFirstMs ??= observed.timeMs
    entity.seen.add(observed.event.id)
  }
}

/** What followed from all that was taken since the last time. */
export const settle = (entity: Entity, engine: Engine): EntityChange => {
  if (entity.isSettled) return { changes: [], closed: [], forwards: [] }
  const forwards = refold(entity, engine)
  const { changes: withdrawn, closed } = gone(entity)
  const changes = [...changed(entity), ...withdrawn]
  entity.isSettled = true
  compact(entity, engine)
  return { changes, closed, forwards }
}
