import type { BlockRow } from '#services/catalog/catalog.ts'
import type { Place, SegmentHead } from '#services/schema/screen.ts'
import { recordingStart } from './placed-frames.ts'
import { createPlayClock, type Pause, type PlayClock, type Skip, skipsOf } from './play-clock.ts'

/**
 * What one opening of a replay plays, whatever is recorded meanwhile: the blocks up to batch `lastSeq` and the first
 * `viewCount` segments of the views (0: there are none, all is one segment).
 */
export type ReplayPin = { lastSeq: number; viewCount: number }

/** A marker in the recording itself: bytes that were lost, an alert of the source. */
export type Mark = readonly [atUs: number, label: string]

/** All that is known of a replay without reading it. Times in integer microseconds since the session's start. */
export type ReplayPlan = {
  pin: ReplayPin
  blocks: readonly BlockRow[]
  heads: readonly SegmentHead[]
  size: { cols: number; rows: number }
  durationUs: number
  pauses: readonly Pause[]
  marks: readonly Mark[]
}

/** The part of a session that is played, and how its times are: `clock` counts from `fromUs` on. */
export type ReplayRange = { fromUs: number; toUs: number; skips: readonly Skip[]; clock: PlayClock }

/** A segment as it is played. `head`: what it is cut from, null: the recording from its beginning. */
export type PlannedSegment = {
  head: SegmentHead | null
  startUs: number
  endUs: number
  place: Place
  end: Place | null
  isLast: boolean
}

/** A recording of length 0 is refused by the player. */
const leastUs = 1_000

export const durationUsOf = (blocks: readonly BlockRow[]): number =>
  Math.max(leastUs, ...blocks.slice(-1).map(({ endNs }) => Math.round(Number(endNs / 1000n))))

/** Of the segments that the views have by now, those that begin in what is stored. */
export const pinOf = (blocks: readonly BlockRow[], heads: readonly SegmentHead[]): ReplayPin => {
  const lastSeq = blocks.at(-1)?.lastSeq ?? -1
  const durationUs = durationUsOf(blocks)
  const isIn = ({ place, startUs }: SegmentHead) => place.batchSeq <= lastSeq && startUs < durationUs
  const firstOut = heads.findIndex((head, at) => head.number !== at || !isIn(head))
  return { lastSeq, viewCount: firstOut < 0 ? heads.length : firstOut }
}

/** `idleMs`: longer pauses are played as long as that; null: nothing is skipped. */
export const rangeOf = (
  { pauses }: Pick<ReplayPlan, 'pauses'>,
  { fromUs, toUs }: { fromUs: number; toUs: number },
  idleMs: number | null,
): ReplayRange => {
  const inRange = pauses
    .filter(([from, to]) => to > fromUs && from < toUs)
    .map(([from, to]): Pause => [Math.max(from, fromUs) - fromUs, Math.min(to, toUs) - fromUs])
  const skips = skipsOf(inRange, idleMs)
  return { fromUs, toUs, skips, clock: createPlayClock(skips) }
}

/**
 * The segments of a range. Each starts later than the one before, as the player demands: one that starts at the same
 * microsecond of playing is played as part of it.
 */
export const plannedSegments = (heads: readonly SegmentHead[], range: ReplayRange): PlannedSegment[] => {
  const { fromUs, toUs, clock } = range
  const playUs = (us: number): number => clock.toPlayUs(us - fromUs)
  const later = heads.findIndex(({ startUs }) => startUs > fromUs)
  const first = heads[(later < 0 ? heads.length : later) - 1] ?? null
  const planned: PlannedSegment[] = [
    { head: first, startUs: fromUs, endUs: toUs, place: first?.place ?? recordingStart, end: null, isLast: true },
  ]
  for (const head of later < 0 ? [] : heads.slice(later)) {
    const last = planned.at(-1)!
    if (playUs(head.startUs) <= playUs(last.startUs) || playUs(head.startUs) >= playUs(toUs)) continue
    Object.assign(last, { endUs: head.startUs, end: head.place, isLast: false })
    planned.push({ head, startUs: head.startUs, endUs: toUs, place: head.place, end: null, isLast: true })
  }
  return planned
}
