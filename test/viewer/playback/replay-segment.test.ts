import test from 'ava'
import fc from 'fast-check'
import type { SegmentHead } from '#services/schema/screen.ts'
import type { TerminalEvent } from '#services/terminal/terminal-events.ts'
import type { Pause } from '#viewer/playback/play-clock.ts'
import { playedEvents, playMarkers, replayIndex } from '#viewer/playback/replay.ts'
import { markersIn, type ReplayMarker } from '#viewer/playback/replay-markers.ts'
import { plannedSegments, type ReplayPlan, rangeOf } from '#viewer/playback/replay-plan.ts'

const headAt = (startUs: number, number: number): SegmentHead => ({
  ...{ number, startUs, place: { batchSeq: number, frame: 0, byte: 0 }, cols: 80, rows: 24 },
  ...{ isAlternate: false, pauses: [], marks: [] },
})
const pausesOf = (times: readonly number[]): Pause[] =>
  times.flatMap((us, at) => (at > 0 && us - times[at - 1]! >= 1_000_000 ? [[times[at - 1]!, us]] : []))

/** A recording: times of its events, which of them begin a segment, markers, whether and where it is cut. */
const recordings = fc
  .record({
    gaps: fc.array(fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 200_000_000 })), {
      minLength: 1,
      maxLength: 60,
    }),
    cuts: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
    marks: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
    ends: fc.tuple(fc.double({ min: 0, max: 0.6, noNaN: true }), fc.double({ min: 0.7, max: 1, noNaN: true })),
    isCut: fc.boolean(),
    idleMs: fc.option(fc.integer({ min: 1_000, max: 60_000 })),
  })
  .map(({ gaps, cuts, marks, ends, isCut, idleMs }) => {
    let us = 0
    const times = gaps.map((gap) => {
      us += gap
      return us
    })
    const durationUs = Math.max(us, 2_000)
    const [fromMs, toMs] = isCut ? ends.map((part) => Math.floor((part * durationUs) / 1000)) : [0, 0]
    const range =
      isCut && toMs! > fromMs! ? { fromUs: fromMs! * 1000, toUs: toMs! * 1000 } : { fromUs: 0, toUs: durationUs }
    const heads = [0, ...times.filter((_, at) => cuts[at])].filter((at) => at < durationUs).map(headAt)
    const markers = marks
      .map((part): ReplayMarker => ({ atMs: Math.floor((part * durationUs) / 1000), kind: 'alert', label: `${part}` }))
      .sort((one, other) => one.atMs - other.atMs)
    return { times, durationUs, range, heads, markers, idleMs }
  })

test('index and segments are what the player demands, whatever the times, the cuts, the pauses and the markers', async (t) => {
  const property = fc.asyncProperty(recordings, async ({ times, durationUs, range: ends, heads, markers, idleMs }) => {
    const plan: ReplayPlan = {
      ...{ pin: { lastSeq: 0, viewCount: heads.length }, blocks: [], heads, durationUs, marks: [] },
      ...{ size: { cols: 80, rows: 24 }, pauses: pausesOf([0, ...times, durationUs]) },
    }
    const range = rangeOf(plan, ends, idleMs)
    const shown = playMarkers(markersIn(markers, range), range)
    const index = replayIndex(plan, range, shown, (_, place) => String(place))
    t.is(index.segments[0]?.start, 0)
    t.deepEqual(
      index.markers,
      [...index.markers].sort(([one], [other]) => one - other),
    )
    const told: [number, string][] = []
    let played = 0
    for (const [place, segment] of plannedSegments(heads, range).entries()) {
      const isIn = (us: number) =>
        us >= segment.startUs && (segment.isLast ? us <= segment.endUs : us < segment.endUs) && us >= range.fromUs
      const inside = times.filter(isIn).map((us): TerminalEvent => [us / 1e6, 'o', 'x'])
      const events = await Array.fromAsync(playedEvents(asyncOf(inside), range, segment, shown))
      const start = index.segments[place]!.start
      const end = index.segments[place + 1]?.start ?? index.duration
      t.true(start < index.duration)
      t.is(events[0]?.[0], start)
      if (segment.isLast) t.is(events.at(-1)?.[0], index.duration)
      let last = start
      for (const [seconds, code, data] of events) {
        t.true(seconds >= last && (segment.isLast ? seconds <= end : seconds < end))
        last = seconds
        if (code === 'm') told.push([seconds, data])
        if (data === 'x') played++
      }
    }
    t.deepEqual(
      told.map(([, label]) => label),
      index.markers.map(([, label]) => label),
    )
    t.is(played, times.filter((us) => us >= range.fromUs && us <= range.toUs).length)
  })
  await fc.assert(property, { numRuns: 300 })
})

async function* asyncOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
