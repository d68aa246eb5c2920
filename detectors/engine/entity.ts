import type { Observed, Subject } from '../rule.ts'
import { emptyFolded, type FoldContext, type Folded, type Incident, type Program } from './folded.ts'
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
export type Forward = Observed & Pick<Arrival, 'arrivedMs'>

export type Engine = {
  program: Program
  context: FoldContext
  horizonMs: number
}

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
