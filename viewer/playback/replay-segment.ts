import type { TerminalEvent } from '#services/terminal/terminal-events.ts'

/** A marker at its play time, as index and segments have it alike. */
export type PlayMarker = readonly [playUs: number, label: string]

/** What one segment plays, in play time: from `startUs`, and before `endUs`, or at it where nothing follows. */
type SegmentBounds = { startUs: number; endUs: number; isLast: boolean }

const asSeconds = (us: number): number => us / 1e6

/** What shares a microsecond with the next segment's start is one earlier: the player refuses an event at the end. */
const clampedTo = ({ startUs, endUs, isLast }: SegmentBounds) => {
  const latestUs = isLast ? endUs : endUs - 1
  let lastUs = startUs
  return (us: number): number => {
    lastUs = Math.min(latestUs, Math.max(lastUs, us))
    return lastUs
  }
}

/** Events of the recording and markers together, within the bounds. Markers of the recording itself are among the markers. */
async function* merged(
  events: AsyncIterable<TerminalEvent>,
  toPlayUs: (seconds: number) => number,
  bounds: SegmentBounds,
  markers: readonly PlayMarker[],
): AsyncGenerator<TerminalEvent> {
  const { startUs, endUs, isLast } = bounds
  const clamp = clampedTo(bounds)
  const waiting = markers.filter(([us]) => us >= startUs && (isLast || us < endUs))
  const due = (us: number): TerminalEvent[] => {
    const later = waiting.findIndex(([at]) => at > us)
    return waiting
      .splice(0, later < 0 ? waiting.length : later)
      .map(([at, label]) => [asSeconds(clamp(at)), 'm', label])
  }
  for await (const [seconds, code, data] of events) {
    if (code === 'm') continue
    const us = toPlayUs(seconds)
    yield* due(us)
    yield [asSeconds(clamp(us)), code, data]
  }
  yield* due(endUs)
}

/**
 * The events of a segment as the player demands them: none outside of the bounds, the first at the start, the last one
 * of the recording at its end, markers those of the index.
 */
export async function* segmentEvents(
  events: AsyncIterable<TerminalEvent>,
  toPlayUs: (seconds: number) => number,
  bounds: SegmentBounds,
  markers: readonly PlayMarker[],
): AsyncGenerator<TerminalEvent> {
  const [start, end] = [asSeconds(bounds.startUs), asSeconds(bounds.endUs)]
  let last: number | null = null
  for await (const event of merged(events, toPlayUs, bounds, markers)) {
    if (last === null && event[0] !== start) yield [start, 'o', '']
    yield event
    last = event[0]
  }
  if (last === null) yield [start, 'o', '']
  if (bounds.isLast && last !== end) yield [end, 'o', '']
}

/** Piece by piece: a segment of a session without views is the whole of it. */
export async function* segmentJson(
  snapshot: { cols: number; rows: number; init: string },
  events: AsyncIterable<TerminalEvent>,
): AsyncGenerator<string> {
  yield `{"snapshot":${JSON.stringify(snapshot)},"events":[`
  let comma = ''
  for await (const event of events) {
    yield comma + JSON.stringify(event)
    comma = ','
  }
  yield ']}'
}
