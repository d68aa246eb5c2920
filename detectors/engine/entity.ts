import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Observed, Subject } from '../rule.ts'
import { compact, sizeOf } from './compact.ts'
import { digestOf } from './digest.ts'
import {
  emptyFolded,
  type FoldContext,
  type Folded,
  type FoldOptions,
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
  pendingChars: number // about so much text they hold
  late: Forward[] // what came after the base and goes on with the next settling
  lateClosed: { key: string; incident: Incident }[] // found in what came so late that nothing is added to it any more
  isSettled: boolean
  tickMs: number
  maxMs: number // of the events that everything has arrived for that arrived before them
  reachedMs: number // everything that arrived before this, by the bus's clock, is here
  arrivedMs: number // when the last event arrived there
  seen: SeenIds // of what is in the base
  published: Record<string, Published>
}
export type Pending = { observed: Observed; after: Folded | null; forwarded: string | null } & Arrival
/** `closedMs`: at an event of this time it was over; `isClosed`: that was told, and it stands in the base still. */
type Published = { incident: Incident; digest: string; closedMs?: number; isClosed?: boolean }
/**
 * Of an event. `arrivedMs`: when the bus took it; 0: whatever arrived before it is here. `version`: grows with what the
 * network knew of it.
 */
export type Arrival = { arrivedMs: number; version: number }
const inOrder: Arrival = { arrivedMs: 0, version: 0 }
export type Forward = Observed & Pick<Arrival, 'arrivedMs'>

/** An incident that is new (`before` null), has grown, or lost its ground. */
export type IncidentChange = { key: string; incident: Incident; before: Incident | null; withdrawn: boolean }
/** `closed`: nothing is added to them any more, what was said of them last stands. */
export type EntityChange = { changes: IncidentChange[]; closed: Incident[]; forwards: Forward[] }

export type Engine = {
  program: Program
  context: FoldContext
  horizonMs: number
}

/** Events that come later than this, and are no history from before the first one, are counted and left out. */
const tooLateMs = 7 * 86_400_000

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
    pendingChars: 0,
    late: [],
    lateClosed: [],
    isSettled: true,
    tickMs: 0,
    maxMs: 0,
    reachedMs: 0,
    arrivedMs: 0,
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

const takePending = (entity: Entity, observed: Observed, arrival: Arrival): Taken => {
  const at = placeOf(entity.pending, observed)
  const there = entity.pending[at]
  if (there?.observed.event.id === observed.event.id) {
    // Who starts again after a crash says what it knew then once more.
    if (arrival.version < there.version) return 'duplicate'
    there.version = arrival.version
    if (digestOf(there.observed.origin) === digestOf(observed.origin)) return 'duplicate'
    there.observed = observed // the same event, and its network knows better by now
  } else {
    const { arrivedMs, version } = arrival
    const one: Pending = { observed, after: null, forwarded: null, arrivedMs, version }
    if (at === entity.pending.length) entity.pending.push(one)
    else entity.pending.splice(at, 0, one)
    entity.pendingChars += sizeOf(observed)
  }
  invalidateFrom(entity, at)
  return 'taken'
}

/** It belongs before what cannot be done again: it is done now. */
const takeLate = (entity: Entity, observed: Observed, engine: Engine, { arrivedMs }: Arrival): Taken => {
  const { program, context } = engine
  if (entity.seen.has(observed.event.id)) return 'duplicate'
  const isHistory = entity.baseFirstMs !== null && observed.timeMs < entity.baseFirstMs
  if (!isHistory && observed.timeMs < entity.maxMs - tooLateMs) return 'too late'
  if (isForwarded(observed, engine)) {
    const origin = program.annotator!.before(entity.base.annotation, observed, context)
    entity.late.push({ ...observed, origin, arrivedMs })
  }
  const folded = foldEvent(program, entity.base, observed, context, entity.subject, {
    isHistory,
    onClosed: (key, incident) => {
      if (!isHistory && !(key in entity.base.incidents)) entity.lateClosed.push({ key, incident })
    },
  })
  entity.base = isHistory ? { ...folded, incidents: entity.base.incidents } : folded
  entity.seen.add(observed.event.id)
  invalidateFrom(entity, 0)
  return isHistory ? 'history' : 'taken'
}

/** Puts it in its place; `settle` tells what follows from it. */
export const takeEvent = (entity: Entity, observed: Observed, engine: Engine, arrival = inOrder): Taken => {
  const taken =
    observed.timeMs < entity.base.timeMs
      ? takeLate(entity, observed, engine, arrival)
      : takePendingOnce(entity, observed, arrival)
  if (taken === 'duplicate' || taken === 'too late') return taken
  entity.arrivedMs = Math.max(entity.arrivedMs, arrival.arrivedMs)
  if (taken === 'taken' && isReached(entity, arrival)) entity.maxMs = Math.max(entity.maxMs, observed.timeMs)
  return taken
}
const takePendingOnce = (entity: Entity, observed: Observed, arrival: Arrival): Taken =>
  entity.seen.has(observed.event.id) ? 'duplicate' : takePending(entity, observed, arrival)

/** What is sent at once to several partitions arrives in each at a time of its own. */
const togetherMs = 5_000
const isReached = ({ reachedMs }: Entity, { arrivedMs }: Arrival): boolean =>
  arrivedMs === 0 || arrivedMs + togetherMs < reachedMs

/**
 * Everything that arrived before `reachedMs` by the bus's clock was taken. Only that moves what is final: events of one
 * entity come over several partitions, and how fast each is read must not decide what comes too late.
 */
export const takeReached = (entity: Entity, reachedMs: number, engine: Engine): void => {
  if (reachedMs <= entity.reachedMs) return
  entity.reachedMs = reachedMs
  for (const one of entity.pending)
    if (isReached(entity, one)) entity.maxMs = Math.max(entity.maxMs, one.observed.timeMs)
  if (entity.isSettled) compact(entity, engine)
}

export const takeTick = (entity: Entity, atMs: number): void => {
  if (atMs <= entity.tickMs) return
  entity.tickMs = atMs
  entity.isSettled = false
}

const forwardKinds: ReadonlySet<SessionEvent['kind']> = new Set(['login', 'login_failed'])
const isForwarded = ({ event }: Observed, { program }: Engine): boolean =>
  program.annotator !== null && forwardKinds.has(event.kind)

/** What its network knew before the event goes on with it, once, and again when the network knows better. */
const forwardOf = (one: Pending, before: Folded, engine: Engine): Forward[] => {
  if (!isForwarded(one.observed, engine)) return []
  const origin = engine.program.annotator!.before(before.annotation, one.observed, engine.context)
  const digest = digestOf(origin)
  if (digest === one.forwarded) return []
  one.forwarded = digest
  return [{ ...one.observed, origin, arrivedMs: one.arrivedMs }]
}

export const digestOfIncident = ({ revision, finding, opened }: Incident): string =>
  digestOf([revision, finding, opened])

/** Weeks of an old log may be taken at once: what comes up in them and is over again is told all the same. */
const tellClosed = ({ published }: Entity, key: string, incident: Incident): IncidentChange[] => {
  const before = published[key]
  const digest = digestOfIncident(incident)
  if (before?.digest === digest) return []
  published[key] = { incident, digest }
  return [{ key, incident, before: before?.incident ?? null, withdrawn: false }]
}

/** What was over at an event that is done again is over again then, or has lost its ground. */
const reopen = ({ published }: Entity, fromMs: number): void => {
  for (const key in published) {
    const { closedMs, ...one } = published[key]!
    if (closedMs !== undefined && closedMs > fromMs) published[key] = one
  }
}

type Refolded = { forwards: Forward[]; changes: IncidentChange[] }

/** Does what has no state after it, and says which events go on and what was over before the last of them. */
const refold = (entity: Entity, engine: Engine): Refolded => {
  const { program, context } = engine
  const { pending, subject } = entity
  const forwards = entity.late.splice(0)
  const changes = entity.lateClosed.splice(0).flatMap(({ key, incident }) => tellClosed(entity, key, incident))
  reopen(entity, pending[entity.foldedCount]?.observed.timeMs ?? Number.POSITIVE_INFINITY)
  let before = entity.foldedCount === 0 ? entity.base : pending[entity.foldedCount - 1]!.after!
  let nowMs = 0
  const options: FoldOptions = {
    onClosed: (key, incident) => {
      changes.push(...tellClosed(entity, key, incident))
      entity.published[key] = { ...entity.published[key]!, closedMs: nowMs }
    },
  }
  for (; entity.foldedCount < pending.length; entity.foldedCount++) {
    const one = pending[entity.foldedCount]!
    if (program.annotator !== null) forwards.push(...forwardOf(one, before, engine))
    nowMs = one.observed.timeMs
    one.after = foldEvent(program, before, one.observed, context, subject, options)
    before = one.after
  }
  entity.tip = foldDues(program, before, Math.max(entity.tickMs, before.timeMs), context, subject)
  return { forwards, changes }
}

const changed = ({ published, tip }: Entity): IncidentChange[] => {
  const changes: IncidentChange[] = []
  for (const key in tip.incidents) {
    const incident = tip.incidents[key]!
    const before = published[key]
    if (before?.incident === incident) continue
    const digest = digestOfIncident(incident)
    published[key] = { incident, digest }
    if (before?.digest !== digest) changes.push({ key, incident, before: before?.incident ?? null, withdrawn: false })
  }
  return changes
}

/** What stood and stands no more: it is over for days, or an event that came late took its ground away. */
const gone = ({ published, tip, base }: Entity): Pick<EntityChange, 'changes' | 'closed'> => {
  const [closed, changes]: [Incident[], IncidentChange[]] = [[], []]
  for (const key in published) {
    if (key in tip.incidents) continue
    const one = published[key]!
    const { incident } = one
    const isOver = one.closedMs !== undefined || isClosed(incident, base.timeMs)
    if (isOver && !one.isClosed) closed.push(incident)
    if (!isOver) changes.push({ key, incident, before: incident, withdrawn: true })
    if (isOver) published[key] = { ...one, isClosed: true }
    else delete published[key]
  }
  return { closed, changes }
}

/** Whoever does the pending events again comes upon what is over once more, as long as it stands before them or among them. */
const forgetClosed = ({ published, base }: Entity): void => {
  for (const key in published) {
    const { isClosed, closedMs = 0 } = published[key]!
    if (isClosed && closedMs <= base.timeMs && !(key in base.incidents)) delete published[key]
  }
}

/** What followed from all that was taken since the last time. */
export const settle = (entity: Entity, engine: Engine): EntityChange => {
  if (entity.isSettled) return { changes: [], closed: [], forwards: [] }
  const { forwards, changes: told } = refold(entity, engine)
  const { changes: withdrawn, closed } = gone(entity)
  const changes = [...told, ...changed(entity), ...withdrawn]
  entity.isSettled = true
  compact(entity, engine)
  forgetClosed(entity)
  return { changes, closed, forwards }
}
