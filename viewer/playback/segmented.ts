import type { Session } from '#services/schema/session.ts'
import { createTerminalEvents, type TerminalEvent } from '#services/terminal/terminal-events.ts'
import type { Frames } from './exports.ts'

/**
 * The player's segmented form (asciinema-player 3.17.0, src/driver/recording/segmented.js), with one segment that
 * starts from an empty screen. What the player demands: segment times strictly increasing and below `duration`, at
 * least one event per segment, the last event at `duration`, markers in the index equal to `m` events.
 */
export type ReplayIndex = {
  version: 1
  duration: number
  term: { cols: number; rows: number }
  segments: { start: number; url: string }[]
  markers: [number, string][]
}

const size = (session: Session) => ({ cols: session.cols || 80, rows: session.rows || 24 })
// A recording of length 0 is refused by the player.
const leastSeconds = 0.001

/** Reads the session once, for its length and its markers. */
export const replayIndex = async (session: Session, frames: Frames, segmentUrl: string): Promise<ReplayIndex> => {
  const toEvent = createTerminalEvents()
  let duration = leastSeconds
  const markers: [number, string][] = []
  for await (const frame of frames) {
    const event = toEvent(frame)
    if (!event) continue
    duration = Math.max(duration, event[0])
    if (event[1] === 'm') markers.push([event[0], event[2]])
  }
  return { version: 1, duration, term: size(session), segments: [{ start: 0, url: segmentUrl }], markers }
}

/** The whole session as one segment, piece by piece: it is never in memory as a whole. */
export async function* replaySegment(session: Session, frames: Frames): AsyncGenerator<string> {
  const toEvent = createTerminalEvents()
  yield `{"snapshot":${JSON.stringify({ ...size(session), init: '' })},"events":[`
  let last: TerminalEvent | null = null
  for await (const frame of frames) {
    const event = toEvent(frame)
    if (!event) continue
    yield `${last ? ',' : ''}${JSON.stringify(event)}`
    last = event
  }
  if (!last || last[0] < leastSeconds) yield `${last ? ',' : ''}${JSON.stringify([leastSeconds, 'o', ''])}`
  yield ']}'
}
