import type { Session } from '#services/schema/session.ts'
import { createTerminalEvents, type TerminalEvent } from '#services/terminal/terminal-events.ts'
import type { ViewsReader } from '#services/views/views.ts'
import type { BlockReader } from './block-cache.ts'
import { framesOf } from './placed-frames.ts'
import type { Skip } from './play-clock.ts'
import type { ReplayMarker } from './replay-markers.ts'
import { type PlannedSegment, plannedSegments, type ReplayPlan, type ReplayRange } from './replay-plan.ts'
import { toUs, viewsChanged } from './replay-plans.ts'
import { type PlayMarker, segmentEvents } from './replay-segment.ts'

/** The segmented form of asciinema-player 3.17.0 (src/driver/recording/segmented.js). Times in seconds of playing. */
export type ReplayIndex = {
  version: 1
  duration: number
  term: { cols: number; rows: number }
  segments: { start: number; url: string }[]
  markers: [number, string][]
}

/** How a session went, in session time, counted from where the replay begins. */
export type ReplayTimeline = {
  durationMs: number
  playMs: number
  startedAt: string
  isEnded: boolean
  skips: readonly Skip[]
  markers: ReplayMarker[]
}

export type Snapshot = { cols: number; rows: number; init: string }
type SegmentSource = { read: BlockReader; views: Pick<ViewsReader, 'segment'> }

const asSeconds = (us: number): number => us / 1e6
const playUsOf =
  ({ fromUs, clock }: ReplayRange) =>
  (us: number): number =>
    clock.toPlayUs(us - fromUs)

export const segmentNumber = ({ head }: PlannedSegment): number => head?.number ?? 0

/** `markers`: in the time of the range. */
export const playMarkers = (markers: readonly ReplayMarker[], { clock }: ReplayRange): PlayMarker[] =>
  markers.map(({ atMs, label }) => [clock.toPlayUs(atMs * 1000), label])

export const replayIndex = (
  plan: ReplayPlan,
  range: ReplayRange,
  markers: readonly PlayMarker[],
  urlOf: (segment: number, place: number) => string,
): ReplayIndex => {
  const playUs = playUsOf(range)
  const segments = plannedSegments(plan.heads, range)
  const { cols, rows } = segments[0]!.head ?? plan.size
  return {
    version: 1,
    duration: asSeconds(playUs(range.toUs)),
    term: { cols, rows },
    segments: segments.map((segment, place) => ({
      start: asSeconds(playUs(segment.startUs)),
      url: urlOf(segmentNumber(segment), place),
    })),
    markers: markers.map(([us, label]) => [asSeconds(us), label]),
  }
}

export const replayTimeline = (
  { startedAt, isEnded }: Pick<Session, 'startedAt'> & { isEnded: boolean },
  range: ReplayRange,
  markers: ReplayMarker[],
): ReplayTimeline => {
  const { fromUs, toUs, skips, clock } = range
  return {
    durationMs: Math.round((toUs - fromUs) / 1000),
    playMs: Math.round(clock.toPlayUs(toUs - fromUs) / 1000),
    startedAt: new Date(Date.parse(startedAt) + fromUs / 1000).toISOString(),
    ...{ isEnded, skips, markers },
  }
}

/** What the recording says from a segment's beginning to the end of the range; times of the session. */
export async function* recordedEvents(
  plan: ReplayPlan,
  segment: PlannedSegment,
  lastUs: number,
  read: BlockReader,
): AsyncGenerator<TerminalEvent> {
  const toEvent = createTerminalEvents()
  for await (const frame of framesOf({ blocks: plan.blocks, from: segment.place, to: segment.end }, read)) {
    const event = toEvent(frame)
    if (event && toUs(event[0]) > lastUs) return
    if (event) yield event
  }
}

/** What brings the terminal to where the segment's head stands. @throws BTZ_NOT_FOUND the views were made anew */
export const headSnapshot = async (
  { views }: Pick<SegmentSource, 'views'>,
  session: Pick<Session, 'id'>,
  plan: ReplayPlan,
  { head }: PlannedSegment,
): Promise<Snapshot> => {
  if (!head || head.number === 0) return { ...(head ? { cols: head.cols, rows: head.rows } : plan.size), init: '' }
  const stored = await views.segment(session.id, head.number)
  if (stored?.startUs !== head.startUs || stored.place.batchSeq !== head.place.batchSeq) throw viewsChanged()
  return { cols: stored.cols, rows: stored.rows, init: stored.init }
}

/** `events` of the session, none before the segment's start. */
export const playedEvents = (
  events: AsyncIterable<TerminalEvent>,
  range: ReplayRange,
  { startUs, endUs, isLast }: PlannedSegment,
  markers: readonly PlayMarker[],
): AsyncGenerator<TerminalEvent> => {
  const playUs = playUsOf(range)
  const bounds = { startUs: playUs(startUs), endUs: playUs(endUs), isLast }
  return segmentEvents(events, (seconds) => playUs(toUs(seconds)), bounds, markers)
}
