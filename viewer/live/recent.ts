import type { TerminalEvent } from '#services/terminal/terminal-events.ts'
import type { Reset } from './alis-frames.ts'
import { createLiveScreen, microseconds } from './live-screen.ts'

const [enoughChars, mostChars] = [256 * 1024, 1024 * 1024]
const [enoughEvents, mostEvents] = [4_096, 16_384]
const perEventChars = 32

export type Rejoined = { reset: Reset; events: TerminalEvent[] }

/**
 * What was shown lately, from a screen of some time ago on: who has watched the recorded past up to a moment goes on at that
 * very moment, and not at now.
 */
export const createRecent = (start: Reset) => {
  let base = start
  let events: TerminalEvent[] = []
  let chars = 0
  return {
    add: (event: TerminalEvent): void => {
      events.push(event)
      chars += event[2].length + perEventChars
    },
    /** It holds enough: another beginning is due. */
    isFull: (): boolean => chars > enoughChars || events.length > enoughEvents,
    /** It holds as much as it may: any beginning will do. */
    isOverfull: (): boolean => chars > mostChars || events.length > mostEvents,
    restart: (from: Reset): void => {
      base = from
      events = []
      chars = 0
    },
    all: (): Rejoined => ({ reset: base, events }),
    /** The screen as it was then, and what came since; null: that is too long ago. */
    since: (afterUs: number): Rejoined | null => {
      if (afterUs < base.timeUs) return null
      const screen = createLiveScreen(base)
      const first = events.findIndex((event) => microseconds(event) > afterUs)
      const played = first === -1 ? events : events.slice(0, first)
      if (!played.every(screen.take)) return null
      return { reset: screen.reset(), events: first === -1 ? [] : events.slice(first) }
    },
  }
}
