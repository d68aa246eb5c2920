import test from 'ava'
import type { PlayerTerminal } from '#services/terminal/player-terminal.ts'
import { sameState, type TerminalState } from '#services/terminal/terminal-state.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { createPlayClock, type Skip } from '#viewer/playback/play-clock.ts'
import { startContentPlace } from '../content-place.ts'
import { capturedFrames, deriveViews, eventsOf, linearly, storeSession } from './replay-place.ts'
import { openShippedPlayer } from './shipped-player.ts'

const seeks = Number(process.env.BARTIZAN_REPLAY_SEEKS ?? 24)

type Index = { duration: number; segments: { start: number; url: string }[]; markers: [number, string][] }
type Timeline = { durationMs: number; playMs: number; isEnded: boolean; skips: Skip[]; markers: { kind: string }[] }

/** All of the state, but for how many lines it keeps that have scrolled off: that hangs on how the output was portioned. */
const sameScreen = (one: PlayerTerminal, other: PlayerTerminal): boolean => {
  const [a, b] = [one.memory.state(), other.memory.state()]
  const kept = Math.min(a.primary.lines.length, b.primary.lines.length)
  const cut = (state: TerminalState) => ({
    ...state,
    primary: { ...state.primary, lines: state.primary.lines.slice(-kept) },
  })
  return sameState(cut(a), cut(b))
}

test('whatever is sought, in the shipped player the screen is that of the whole recording fed from its beginning', async (t) => {
  const seed = Number(process.env.BARTIZAN_REPLAY_SEED ?? Date.now() % 1e9)
  const random = seededRandom(seed)
  t.log(`seed ${seed}, ${seeks} seeks`)
  const place = await startContentPlace(t)
  const frames = capturedFrames(random, 4)
  const events = eventsOf(frames)
  const { id, batches } = await storeSession(place, frames)
  const ask = place.as('bob', 'analyst')
  const headers = { authorization: `Bearer ${await place.secretOf('bob', 'analyst')}` }
  const base = `http://127.0.0.1:${place.httpPort}/api/sessions/${id}/replay`

  for (const [withViews, query, count] of [
    [false, '', 4],
    [true, '', Math.ceil(seeks / 2)],
    [true, '?idleMs=2000', Math.floor(seeks / 2)],
  ] as const) {
    if (withViews) await deriveViews(place, id, batches)
    const index = (await (await ask(`/api/sessions/${id}/replay/index.json${query}`)).json()) as Index
    const timeline = (await (await ask(`/api/sessions/${id}/replay/timeline.json${query}`)).json()) as Timeline
    if (withViews) t.true(index.segments.length > 3, `${index.segments.length} segments`)
    t.is(index.markers.length, 4)
    const clock = createPlayClock(timeline.skips)
    t.is(timeline.playMs, Math.round(index.duration * 1000))
    const player = await openShippedPlayer(`${base}/index.json${query}`, headers)
    // Between two microseconds, where no rounding changes which events came.
    const moments = Array.from({ length: count }, () => Math.floor(random() * index.duration * 1e6) + 0.5)
    // Next to the borders of segments, where it is easiest to be wrong.
    for (const { start } of index.segments.slice(1, 4)) moments.push(start * 1e6 + 0.5, start * 1e6 - 1.5)
    const ordered = moments.sort((one, other) => one - other)
    const expected = linearly(
      events,
      ordered.map((us) => (clock.toSessionUs(Math.floor(us + 0.01)) + 0.5) / 1e6),
    )
    for (const us of ordered) {
      const linear = expected.next().value!
      const sought = await player.seek(us / 1e6)
      t.true(sameScreen(sought, linear), `${query} at ${us} µs`)
    }
    await player.stop()
  }
})
