import type { Session } from '#services/schema/session.ts'
import { createEmulator, type Emulator } from '#services/terminal/emulator.ts'
import { shownKeyframe } from '#services/terminal/shown-keyframe.ts'
import type { TerminalEvent } from '#services/terminal/terminal-events.ts'
import { headSnapshot, playedEvents, recordedEvents, type Snapshot } from './replay.ts'
import { type PlannedSegment, plannedSegments, type ReplayPlan, type ReplayRange } from './replay-plan.ts'
import { toUs } from './replay-plans.ts'
import type { PlayMarker } from './replay-segment.ts'
import type { Replays } from './replays.ts'

/** @returns the emulator to go on with: output that breaks one breaks the player's, and is followed by another's screen */
const apply = (emulator: Emulator, [, code, data]: TerminalEvent): Emulator => {
  const [cols = 0, rows = 0] = code === 'r' ? data.split('x').map(Number) : []
  try {
    if (code === 'o') emulator.write(data)
    if (code === 'r') emulator.resize(cols, rows)
    return emulator
  } catch {
    return createEmulator(emulator.size())
  }
}

async function* preceded(first: TerminalEvent[], rest: AsyncIterator<TerminalEvent>): AsyncGenerator<TerminalEvent> {
  yield* first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/** A part of a recording that is shown to people who may see no other part of it. */
export const createSharedReplay = ({ views, read }: Pick<Replays, 'views' | 'read'>) => {
  const emulatorAt = async (session: Session, plan: ReplayPlan, segment: PlannedSegment): Promise<Emulator> =>
    createEmulator(await headSnapshot({ views }, session, plan, segment))

  /** Whether the screen that is hidden at the beginning comes to be seen: what is under a full-screen program that ends. */
  const showsHidden = async (session: Session, plan: ReplayPlan, range: ReplayRange): Promise<boolean> => {
    const segments = plannedSegments(plan.heads, range)
    if (segments.slice(1).some(({ head }) => head?.isAlternate === false)) return true
    const [first] = segments
    let emulator = await emulatorAt(session, plan, first!)
    try {
      for await (const event of recordedEvents(plan, { ...first!, end: null }, range.toUs, read)) {
        emulator = apply(emulator, event)
        if (toUs(event[0]) >= range.fromUs && !emulator.isAlternate()) return true
      }
      return false
    } finally {
      emulator.dispose()
    }
  }

  const kept = new Map<string, Promise<boolean>>()
  const hiddenIsShown = (session: Session, plan: ReplayPlan, range: ReplayRange): Promise<boolean> => {
    const key = JSON.stringify([session.id, plan.pin, range.fromUs, range.toUs])
    const known = kept.get(key) ?? showsHidden(session, plan, range)
    kept.set(key, known)
    known.catch(() => kept.delete(key))
    if (kept.size > 100) kept.delete(kept.keys().next().value!)
    return known
  }

  return {
    /**
     * A segment of the range, with nothing of what was only before it: neither text that had scrolled off, nor the screen
     * under a full-screen program, unless that ends within the range.
     */
    segment: async (
      session: Session,
      plan: ReplayPlan,
      range: ReplayRange,
      segment: PlannedSegment,
      markers: readonly PlayMarker[],
    ): Promise<{ snapshot: Snapshot; events: AsyncIterable<TerminalEvent> }> => {
      let emulator = await emulatorAt(session, plan, segment)
      try {
        const events = recordedEvents(plan, segment, range.toUs, read)
        const first: TerminalEvent[] = []
        for (let next = await events.next(); !next.done; next = await events.next()) {
          // What ends an escape sequence that was begun before the range is part of its first moment.
          if (toUs(next.value[0]) >= segment.startUs && emulator.isClean()) {
            first.push(next.value)
            break
          }
          emulator = apply(emulator, next.value)
        }
        const withHidden = emulator.isAlternate() && (await hiddenIsShown(session, plan, range))
        const snapshot = { ...emulator.size(), init: shownKeyframe(emulator, { withHidden }) }
        return { snapshot, events: playedEvents(preceded(first, events), range, segment, markers) }
      } finally {
        emulator.dispose()
      }
    },
  }
}
