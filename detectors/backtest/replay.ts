import type { Alert } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { alertOf } from '../alert.ts'
import { isOver } from '../engine/compact.ts'
import { createEntity, type Engine, type Entity } from '../engine/entity.ts'
import type { FoldContext, Folded, Program } from '../engine/folded.ts'
import { forwardedTo, observe, subjectsOf } from '../engine/observe.ts'
import { type EntityChange, settle } from '../engine/settle.ts'
import { takeEvent, takeTick } from '../engine/take.ts'
import type { EntityKind, Observed, Subject } from '../rule.ts'

/** The detectors over events that are all there already: the same engine, without bus and snapshots. */
export type Replay = {
  take(event: SessionEvent): void
  /** Alerts to which nothing is added any more since the last call. */
  closed(): Alert[]
  /**
   * All that is left, with what falls due up to `untilMs`: by default when the last event happened, and for agents when any
   * of them was last heard, since a file may hold sessions that end long after it stops to tell of agents.
   */
  end(untilMs?: number): Alert[]
  readonly entities: number
}

const sweepEveryMs = 4 * 3_600_000
/** What follows from events is worked out for so many together: most of the work is the same for one as for all of them. */
const eventsPerSettling = 4_096
/** Quiet for so long: it is looked at whether it can be forgotten. */
const quietMs = 2 * 3_600_000

/** Nothing arrives late any more for what is pending since hours. */
const isForgettable = (entity: Entity, engine: Engine, nowMs: number): boolean =>
  entity.pending.every(({ observed }) => observed.timeMs < nowMs - quietMs) &&
  isOver({ ...entity, pending: [] }, engine, nowMs)

const alertsOf = (subject: Subject, { incidents }: Folded): Alert[] =>
  Object.values(incidents).map((incident) => alertOf(subject, incident, false))

export const createReplay = (options: {
  programs: Record<EntityKind, Program>
  context: FoldContext
  horizonMs: number
}): Replay => {
  const { programs, context, horizonMs } = options
  const entities: Record<EntityKind, Map<string, Entity>> = { user: new Map(), network: new Map(), bastion: new Map() }
  let closed: Alert[] = []
  const unsettled = new Set<Entity>()
  const unsettledOrigins = new Set<Entity>() // they send events on to the others, and so come before them
  let taken = 0
  let nowMs = 0
  let sweptMs = 0

  const engines = new Map<EntityKind, Engine>(
    (Object.keys(programs) as EntityKind[]).map((kind) => [kind, { program: programs[kind], context, horizonMs }]),
  )
  /** Where a rule wants to know its entity for ever, there is nothing to look for. */
  const forgettable = new Set(
    [...engines]
      .filter(([, { program }]) => program.rules.every((rule) => rule.isOver !== undefined))
      .map(([kind]) => kind),
  )
  const entityOf = (subject: Subject, engine: Engine): Entity => {
    const those = entities[subject.kind]
    const known = those.get(subject.key)
    if (known) return known
    const entity = createEntity(subject, engine)
    those.set(subject.key, entity)
    return entity
  }
  const note = (entity: Entity, change: EntityChange): void => {
    for (const incident of change.closed) closed.push(alertOf(entity.subject, incident, false))
  }
  const settleNow = (entity: Entity, engine: Engine): void => {
    const change = settle(entity, engine)
    note(entity, change)
    for (const forward of change.forwards)
      for (const user of forwardedTo(forward, context.directory)) takeFor(user, forward)
  }
  const takeFor = (subject: Subject, observed: Observed): void => {
    const engine = engines.get(subject.kind)!
    const entity = entityOf(subject, engine)
    takeEvent(entity, observed, engine)
    if (engine.program.annotator) unsettledOrigins.add(entity)
    else unsettled.add(entity)
  }
  const settleAll = (): void => {
    for (const those of [unsettledOrigins, unsettled]) {
      for (const entity of those) settleNow(entity, engines.get(entity.subject.kind)!)
      those.clear()
    }
  }
  const tick = (entity: Entity, atMs: number): void => {
    takeTick(entity, atMs)
    note(entity, settle(entity, engines.get(entity.subject.kind)!))
  }
  /** Memory holds who may matter, not whoever once knocked. */
  const sweep = (): void => {
    sweptMs = nowMs
    settleAll()
    for (const kind of forgettable)
      for (const [key, entity] of entities[kind]) {
        if (entity.maxMs > nowMs - quietMs) continue
        tick(entity, nowMs)
        if (!isForgettable(entity, engines.get(kind)!, nowMs)) continue
        closed.push(...alertsOf(entity.subject, entity.tip))
        entities[kind].delete(key)
      }
  }

  return {
    take: (event) => {
      const observed = observe(event)
      nowMs = Math.max(nowMs, observed.timeMs)
      for (const subject of subjectsOf(observed, context.directory)) takeFor(subject, observed)
      taken++
      if (taken % eventsPerSettling === 0) settleAll()
      if (nowMs - sweptMs >= sweepEveryMs) sweep()
    },
    closed: () => {
      const done = closed
      closed = []
      return done
    },
    end: (untilMs) => {
      settleAll()
      const heardMs = [...entities.bastion.values()].reduce((lastMs, { maxMs }) => Math.max(lastMs, maxMs), 0)
      nowMs = untilMs ?? nowMs
      const left = Object.values(entities).flatMap((those) => [...those.values()])
      for (const entity of left) tick(entity, entity.subject.kind === 'bastion' ? (untilMs ?? heardMs) : nowMs)
      const all = [...closed, ...left.flatMap(({ subject, tip }) => alertsOf(subject, tip))]
      closed = []
      for (const those of Object.values(entities)) those.clear()
      return all
    },
    get entities() {
      return Object.values(entities).reduce((sum, { size }) => sum + size, 0)
    },
  }
}
