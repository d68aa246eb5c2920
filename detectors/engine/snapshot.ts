import type { Observed, Subject } from '../rule.ts'
import { sizeOf } from './compact.ts'
import type { Arrival, Engine, Entity } from './entity.ts'
import type { Folded } from './folded.ts'
import { createSeenIds } from './seen-ids.ts'

/** A settled entity as JSON. What follows from the pending events is computed again. */
export type EntitySnapshot = {
  subject: Subject
  base: Folded
  baseFirstMs: number | null
  pending: ({ observed: Observed; forwarded: string | null } & Arrival)[]
  tickMs: number
  maxMs: number
  reachedMs: number
  arrivedMs: number
  seen: number[]
  published: Entity['published']
}

export const snapshotOf = (entity: Entity): EntitySnapshot => ({
  subject: entity.subject,
  base: entity.base,
  baseFirstMs: entity.baseFirstMs,
  pending: entity.pending.map(({ after: _, ...one }) => one),
  tickMs: entity.tickMs,
  maxMs: entity.maxMs,
  reachedMs: entity.reachedMs,
  arrivedMs: entity.arrivedMs,
  seen: entity.seen.toJSON(),
  published: { ...entity.published },
})

/** A rule that is new since the snapshot begins with nothing; one that is gone is left out. */
const withAllRules = (base: Folded, { program }: Pick<Engine, 'program'>): Folded => ({
  ...base,
  annotation: base.annotation ?? program.annotator?.initial() ?? null,
  rules: Object.fromEntries(program.rules.map((rule) => [rule.id, base.rules[rule.id] ?? rule.initial()])),
})

export const entityFrom = (snapshot: EntitySnapshot, engine: Pick<Engine, 'program'>): Entity => {
  const base = withAllRules(snapshot.base, engine)
  return {
    ...snapshot,
    base,
    pending: snapshot.pending.map((one) => ({ ...one, after: null })),
    pendingChars: snapshot.pending.reduce((sum, { observed }) => sum + sizeOf(observed), 0),
    late: [],
    lateClosed: [],
    foldedCount: 0,
    tip: base,
    isSettled: false,
    seen: createSeenIds(snapshot.seen),
  }
}
