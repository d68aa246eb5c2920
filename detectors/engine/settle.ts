import { compact } from './compact.ts'
import { digestOf } from './digest.ts'
import type { Engine, Entity, Forward } from './entity.ts'
import { type FoldOptions, foldDues, foldEvent, type Incident, isClosed } from './folded.ts'
import { forwardOf } from './forward.ts'

/** An incident that is new (`before` null), has grown, or lost its ground. */
export type IncidentChange = { key: string; incident: Incident; before: Incident | null; withdrawn: boolean }
/** `closed`: nothing is added to them any more, what was said of them last stands. */
export type EntityChange = { changes: IncidentChange[]; closed: Incident[]; forwards: Forward[] }

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
