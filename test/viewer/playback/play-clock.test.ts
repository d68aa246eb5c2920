import test from 'ava'
import fc from 'fast-check'
import { createPlayClock, type Pause, skipsOf } from '#viewer/playback/play-clock.ts'

/** Pauses in order with activity between them, as a session has them. */
const sessionPauses = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 90_000_000 }), fc.integer({ min: 1_000_000, max: 4e9 })), { maxLength: 60 })
  .map((spans) => {
    let atUs = 0
    return spans.map(([activeUs, pauseUs]): Pause => {
      const fromUs = atUs + activeUs
      atUs = fromUs + pauseUs
      return [fromUs, atUs]
    })
  })
const idleMs = fc.integer({ min: 1_000, max: 600_000 })
const endOf = (pauses: Pause[]): number => (pauses.at(-1)?.[1] ?? 0) + 1_000_000
const moments = (lastUs: number) => fc.array(fc.integer({ min: 0, max: lastUs }), { maxLength: 50 })

test('without a limit, and without a pause that is longer, both clocks are the same', (t) => {
  t.deepEqual(skipsOf([[0, 9_000_000]], null), [])
  t.deepEqual(skipsOf([[500_000, 2_500_000]], 2_000), [])
  t.is(createPlayClock([]).toPlayUs(123_456), 123_456)
})

test('a pause is played as long as the limit, and what comes after it that much earlier', (t) => {
  const skips = skipsOf([[1_000_000, 61_000_000]], 2_000)
  t.deepEqual(skips, [{ atMs: 1_000, lengthMs: 60_000, keptMs: 2_000 }])
  const clock = createPlayClock(skips)
  t.is(clock.toPlayUs(1_000_000), 1_000_000)
  t.is(clock.toPlayUs(31_000_000), 2_000_000)
  t.is(clock.toPlayUs(61_000_000), 3_000_000)
  t.is(clock.toPlayUs(61_000_001), 3_000_001)
})

test('play time is never before what came earlier, and events keep their order and distance', (t) => {
  fc.assert(
    fc.property(sessionPauses, idleMs, (pauses, limit) => {
      const clock = createPlayClock(skipsOf(pauses, limit))
      let lastUs = -1
      for (const us of pauses.flat()) {
        const playUs = clock.toPlayUs(us)
        t.true(playUs >= lastUs)
        lastUs = playUs
      }
      for (const [fromUs, toUs] of pauses) {
        const playedUs = clock.toPlayUs(toUs) - clock.toPlayUs(fromUs)
        t.true(playedUs <= Math.min(toUs - fromUs, limit * 1000 + 2_000) && playedUs >= 999_000)
      }
    }),
  )
})

test('each moment of the replay is one of the session, and back, to the microsecond', (t) => {
  const cases = sessionPauses.chain((pauses) => fc.tuple(fc.constant(pauses), moments(endOf(pauses)), idleMs))
  fc.assert(
    fc.property(cases, ([pauses, times, limit]) => {
      const clock = createPlayClock(skipsOf(pauses, limit))
      for (const us of times) {
        const playUs = clock.toPlayUs(us)
        t.true(Number.isInteger(playUs) && playUs >= 0 && playUs <= us)
        t.is(clock.toPlayUs(clock.toSessionUs(playUs)), playUs)
      }
      for (const [, toUs] of pauses) t.is(clock.toSessionUs(clock.toPlayUs(toUs)), toUs)
    }),
  )
})

test('the replay is shorter than the session by the sum of what is skipped', (t) => {
  fc.assert(
    fc.property(sessionPauses, idleMs, (pauses, limit) => {
      const skips = skipsOf(pauses, limit)
      const endUs = endOf(pauses)
      const skippedMs = skips.reduce((sum, { lengthMs, keptMs }) => sum + lengthMs - keptMs, 0)
      t.is(createPlayClock(skips).toPlayUs(endUs), endUs - skippedMs * 1000)
    }),
  )
})
