import type { Observed, Subject } from '../rule.ts'
import type { Engine, Entity } from './entity.ts'
import type { Folded, Incident } from './folded.ts'
import { createSeenIds } from './seen-ids.ts'

/** An entity as JSON. What follows from the pending events is computed again. */
export type EntitySnapshot = {
  subject: Subject
  base: Folded
  baseFirstMs: number | null
  pending: { observed: Observed; forwarded: string | null }[]
  tickMs: number
  maxMs: number
  seen: number[]
  published: Record<string, { incident: Incident; digest: string }>
}

export const snapshotOf = (entity: Entity): EntitySnapshot => ({
  subject: entity.subject,
  base: entity.base,
  baseFirstMs: entity.baseFirstMs,
  pending: entity.pending.map(({ observed, forwarded }) => ({ observed, forwarded })),
  tickMs: entity.tickMs,
  maxMs: entity.maxMs,
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
    foldedCount: 0,
    tip: base,
    isSettled: false,
    seen: createSeenIds(snapshot.seen),
  }
}
