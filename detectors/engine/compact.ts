import type { Observed } from '../rule.ts'
import type { Engine, Entity } from './entity.ts'
import { isClosed } from './folded.ts'

const maxPending = 20_000
const maxPendingChars = 8 * 1024 * 1024
/** Beyond the horizon: clocks of bastions are ahead by up to this. */
const quietMarginMs = 5 * 60_000
const leastChars = 512

/** About so many characters its JSON has. */
export const sizeOf = ({ event }: Observed): number => {
  if (event.kind !== 'command') return leastChars
  let chars = leastChars + event.line.length
  for (const word of event.argv) chars += word.length + 3
  return chars
}

/** For so long nothing arrived that what does now is late whatever its time is. */
const isQuiet = ({ reachedMs, arrivedMs }: Entity, { horizonMs }: Engine): boolean =>
  arrivedMs > 0 && reachedMs > arrivedMs + horizonMs + quietMarginMs

/** Moves what nothing can come before any more out of the pending ones, which all have their states. */
export const compact = (entity: Entity, engine: Engine): void => {
  const { pending } = entity
  const untilMs = isQuiet(entity, engine) ? Number.POSITIVE_INFINITY : entity.maxMs - engine.horizonMs
  let count = 0
  for (const { observed } of pending) {
    const isTooMuch = pending.length - count > maxPending || entity.pendingChars > maxPendingChars
    if (!isTooMuch && observed.timeMs >= untilMs) break
    entity.pendingChars -= sizeOf(observed)
    entity.baseFirstMs ??= observed.timeMs
    entity.seen.add(observed.event.id)
    count++
  }
  if (count === 0) return
  entity.base = pending[count - 1]!.after!
  entity.foldedCount -= count
  pending.splice(0, count)
}

/** Nothing in it can matter to an event at or after `nowMs`: it may be forgotten. */
export const isOver = ({ pending, tip, late }: Entity, { program }: Pick<Engine, 'program'>, nowMs: number): boolean =>
  pending.length === 0 &&
  late.length === 0 &&
  Object.values(tip.incidents).every((incident) => isClosed(incident, nowMs)) &&
  program.rules.every((rule) => rule.isOver?.(tip.rules[rule.id], nowMs) ?? false) &&
  (program.annotator?.isOver(tip.annotation, nowMs) ?? true)
