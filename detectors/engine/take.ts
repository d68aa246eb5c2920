import type { Observed } from '../rule.ts'
import { compact, sizeOf } from './compact.ts'
import { digestOf } from './digest.ts'
import type { Arrival, Engine, Entity, Pending } from './entity.ts'
import { foldEvent } from './folded.ts'
import { isForwarded } from './forward.ts'

const inOrder: Arrival = { arrivedMs: 0, version: 0 }

/** Events that come later than this, and are no history from before the first one, are counted and left out. */
const tooLateMs = 7 * 86_400_000

export type Taken = 'taken' | 'duplicate' | 'history' | 'too late'

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
