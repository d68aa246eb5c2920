import test from 'ava'
import { systemClock } from '#services/clock.ts'
import type { PlayerTerminal } from '#services/terminal/player-terminal.ts'
import { sameState, type TerminalState } from '#services/terminal/terminal-state.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { until } from '#test/helpers/until.ts'
import { createPlayClock, type Skip } from '#viewer/playback/play-clock.ts'
import { createReplays } from '#viewer/playback/replays.ts'
import { startContentPlace } from '../content-place.ts'
import { capturedFrames, eventsOf, linearly, storeSession, untilViewed } from './replay-place.ts'
import { openShippedPlayer } from './shipped-player.ts'

const seeks = Number(process.env.BARTIZAN_REPLAY_SEEKS ?? 24)

type Index = { duration: number; segments: { start: number; url: string }[]; markers: [number, string][] }
type Timeline = { durationMs: number; playMs: number; isEnded: boolean; skips: Skip[]; markers: { kind: string }[] }

/** All of the state, but for lines that have scrolled off. */
const sameScreen = (one: PlayerTerminal, other: PlayerTerminal): boolean => {
  const [a, b] = [one.memory.state(), other.memory.state()]
  // How many lines that scrolled off are kept depends on the pieces in which the player is fed: 100 to 110.
  const kept = a.primary.rows
  const cut = (state: TerminalState) => ({
    ...state,
    primary: { ...state.primary, lines: state.primary.lines.slice(-kept) },
  })
  return sameState(cut(a), cut(b))
}

let place: Awaited<ReturnType<typeof startContentPlace>>
const undo: (() => unknown)[] = []
test.before(async () => {
  place = await startContentPlace({ teardown: (run) => undo.push(run) })
})
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})

test('whatever is sought, in the shipped player the screen is that of the whole recording fed from its beginning', async (t) => {
  const seed = Number(process.env.BARTIZAN_REPLAY_SEED ?? Date.now() % 1e9)
  const random = seededRandom(seed)
  t.log(`seed ${seed}, ${seeks} seeks`)
  const frames = capturedFrames(random, 3)
  const events = eventsOf(frames)
  const id = await storeSession(place, frames)
  const ask = place.as('bob', 'analyst')
  const headers = { authorization: `Bearer ${await place.secretOf('bob', 'analyst')}` }
  const base = `http://127.0.0.1:${place.httpPort}/api/sessions/${id}/replay`

  for (const [withViews, query, count] of [
    [false, '', 4],
    [true, '', Math.ceil(seeks / 2)],
    [true, '?idleMs=2000', Math.floor(seeks / 2)],
  ] as const) {
    if (withViews) await untilViewed(place, id)
    const index = (await (await ask(`/api/sessions/${id}/replay/index.json${query}`)).json()) as Index
    const timeline = (await (await ask(`/api/sessions/${id}/replay/timeline.json${query}`)).json()) as Timeline
    if (withViews) t.true(index.segments.length > 1, `${index.segments.length} segments`)
    t.is(index.markers.length, 3)
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

const eventsOfAccess = async (id: string): Promise<string[]> => {
  const { bus } = place.backends
  const partitions = Array.from({ length: bus.partitions('session-events') }, (_, partition) => partition)
  const rows = await Promise.all(
    partitions.map((partition) => bus.read({ topic: 'session-events', partition }, 0, 10_000)),
  )
  const events = rows.flat().map(({ value }) => JSON.parse(Buffer.from(value).toString()))
  return events.filter(({ kind, object }) => kind === 'access' && object === id).map(({ action }) => action)
}

test('a replay is on record once, its segments for who opened it; for anybody else each by itself', async (t) => {
  const id = await storeSession(place, capturedFrames(seededRandom(7), 1))
  const base = `/api/sessions/${id}/replay`
  const ask = place.as('bob', 'analyst')
  const { segments } = (await (await ask(`${base}/index.json`)).json()) as Index
  const url = `${base}/${segments[0]!.url}`
  for (let time = 0; time < 3; time++) t.is((await ask(url)).status, 200)
  t.deepEqual(await eventsOfAccess(id), ['session.replay'])

  t.is((await place.as('eve', 'analyst')(url)).status, 200)
  t.is((await ask(url.replace(/pin=\d+/, 'pin=0'))).status, 404)
  t.is((await ask(url.replace(/view=[^&]+/, 'view=x'))).status, 200)
  t.is((await ask(`${url}&reason=another`)).status, 200)
  t.deepEqual((await eventsOfAccess(id)).sort(), ['session.replay', ...Array(4).fill('session.replay.segment')])
  t.is((await place.as('alice', 'analyst')(url)).status, 403)
})

test('segments are compressed as the client takes it, and kept nowhere', async (t) => {
  const id = await storeSession(place, capturedFrames(seededRandom(8), 1))
  const ask = place.as('bob', 'analyst')
  const { segments } = (await (await ask(`/api/sessions/${id}/replay/index.json`)).json()) as Index
  const get = async (encoding: string) => {
    const answer = await ask(`/api/sessions/${id}/replay/${segments[0]!.url}`, {
      headers: { 'accept-encoding': encoding },
    })
    t.is(answer.headers.get('cache-control'), 'no-store')
    return { encoding: answer.headers.get('content-encoding'), text: await answer.text() }
  }
  const plain = await get('identity')
  t.is(plain.encoding, null)
  const zipped = await get('gzip, deflate')
  t.is(zipped.encoding, 'gzip')
  t.true(zipped.text === plain.text)
  t.is((await get('gzip;q=0, zstd')).encoding, 'zstd')
})

test('what is recorded later changes nothing of a replay that is open', async (t) => {
  const frames = capturedFrames(seededRandom(9), 2)
  const id = await storeSession(place, frames)
  await untilViewed(place, id)
  const ask = place.as('bob', 'analyst')
  const blocks = await place.backends.catalog.blocks(id)
  const { views } = place.backends
  const early = createReplays({
    ...place.backends,
    clock: systemClock,
    views: { ...views, segments: async () => null },
  })
  const later = createReplays({ ...place.backends, clock: systemClock })
  const session = (await place.backends.catalog.session(id))!
  const [one, other] = [await early.plans.latest(session), await later.plans.latest(session)]
  t.is(one.pin.viewCount, 0)
  t.true(other.pin.viewCount > 0)
  t.is(one.pin.lastSeq, blocks.at(-1)!.lastSeq)
  t.deepEqual((await later.plans.pinned(session, one.pin)).heads, [])
  const pauses = (plan: typeof one) => plan.pauses.map((pause) => [...pause])
  t.deepEqual(pauses(one), pauses(other), 'the views know the same pauses as the recording')
  t.deepEqual(one.marks, other.marks)
  const noEvidence = async () => Promise.reject(new Error('evidence is read'))
  const indexed = createReplays({ ...place.backends, clock: systemClock, recordings: { get: noEvidence } })
  t.deepEqual(
    pauses(await indexed.plans.latest(session)),
    pauses(one),
    'where the views stand as far, no evidence is read',
  )
  const segments: typeof views.segments = async (of) => {
    const all = await views.segments(of)
    return all && { ...all, segments: all.segments.slice(0, 2) }
  }
  const liveState = async () => null
  const behind = createReplays({ ...place.backends, clock: systemClock, views: { ...views, segments, liveState } })
  t.deepEqual(pauses(await behind.plans.latest(session)), pauses(one), 'where they do not, the rest of it is')
  const gone = `/api/sessions/${id}/replay/segments/0.json?pin=${one.pin.lastSeq}.9999`
  t.is((await ask(gone)).status, 404)
})

test('a session whose screen was given up says so and why, and plays as one segment (it is given up by hand)', async (t) => {
  const id = await place.record('walter')
  await untilViewed(place, id)
  const ask = place.as('bob', 'analyst')
  const details = async () => (await ask(`/api/sessions/${id}`)).json() as Promise<{ screenUnavailable: string | null }>
  t.is((await details()).screenUnavailable, null)
  const progress = (await place.backends.views.screenProgress(id))!
  const { nextSeq, owner, throughMs } = progress
  await place.backends.views.indexScreen({
    ...{ sessionId: id, owner: owner!, fromSeq: nextSeq, nextSeq: nextSeq + 1, throughUs: throughMs * 1000 },
    ...{ state: '{}', isEnded: true, unavailable: 'its output broke the emulation', segments: [], texts: [] },
  })
  t.is((await details()).screenUnavailable, 'its output broke the emulation')
  const index = (await (await ask(`/api/sessions/${id}/replay/index.json`)).json()) as Index
  t.is(index.segments.length, 1)
})

test('of many exports that one person asks for at once a few are made, the others are refused with the reason', async (t) => {
  const id = await place.record('trudy')
  const ask = place.as('erin', 'analyst')
  const get = (format: string) =>
    ask(`/api/sessions/${id}/export?format=${format}`, { headers: { connection: 'close' } })
  for (const [format, reason] of [
    ['transcript', 'transcripts under way: 1 of erin, as many as one may have'],
    ['cast', 'exports under way: 4 of erin, as many as one may have'],
  ] as const) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => get(format)))
    const refused = answers.filter(({ status }) => status === 429)
    t.true(refused.length > 0 && answers.some(({ status }) => status === 200), format)
    t.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 429])
    t.regex(refused[0]?.headers.get('retry-after') ?? '', /^\d+$/)
    t.is(((await refused[0]!.json()) as { detail: string }).detail, reason)
    for (const answer of answers) await answer.body?.cancel().catch(() => {})
    await until(async () => (await get(format)).status === 200, { limitMs: 30_000, what: 'room for one more' })
  }
})
