import type { Program } from './engine/folded.ts'
import type { EntityKind } from './rule.ts'

export type Programs = Readonly<Record<EntityKind, Program>>

/** What is done with the events of each kind of entity: live, in `backtest` and in tests. */
export const createPrograms = (): Programs => ({
  user: { rules: [], annotator: null },
  network: { rules: [], annotator: null },
  bastion: { rules: [], annotator: null },
})
