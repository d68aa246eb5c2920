import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Observed } from '../rule.ts'
import { digestOf } from './digest.ts'
import type { Engine, Forward, Pending } from './entity.ts'
import type { Folded } from './folded.ts'

const forwardKinds: ReadonlySet<SessionEvent['kind']> = new Set(['login', 'login_failed'])
export const isForwarded = ({ event }: Observed, { program }: Engine): boolean =>
  program.annotator !== null && forwardKinds.has(event.kind)

/** What its network knew before the event goes on with it, once, and again when the network knows better. */
export const forwardOf = (one: Pending, before: Folded, engine: Engine): Forward[] => {
  if (!isForwarded(one.observed, engine)) return []
  const origin = engine.program.annotator!.before(before.annotation, one.observed, engine.context)
  const digest = digestOf(origin)
  if (digest === one.forwarded) return []
  one.forwarded = digest
  return [{ ...one.observed, origin, arrivedMs: one.arrivedMs }]
}
