import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { createEmulator, type Emulator } from '#services/terminal/emulator.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { until } from '#test/helpers/until.ts'
import { createReplay, type ReplayState } from '../../../viewer/web/src/replay/replay.ts'
import type { RecordedEvent, Segment } from '../../../viewer/web/src/replay/segments.ts'

const size = { cols: 40, rows: 8 }

const apply = (terminal: Emulator, [, code, data]: RecordedEvent): void => {
  if (code === 'o') terminal.write(data)
  if (code === 'r') terminal.resize(...(data.split('x').map(Number) as [number, number]))
}

/**
 * A busy terminal: colours, moves, wide characters, the alternate screen, new sizes. These not under a full-screen
 * program: no keyframe of one size can hold the hidden screen of another, so nothing is cut there (segmenter).
 */
const busyEvents = (random: () => number): RecordedEvent[] => {
  let isAlternate = false
  return Array.from({ length: 400 }, (_, index): RecordedEvent => {
    const pick = Math.floor(random() * 8)
    const at = (index + 1) / 20
    if (pick === 1) isAlternate = index % 3 === 0
    if (pick === 0 && !isAlternate)
      return [at, 'r', `${30 + Math.floor(random() * 30)}x${6 + Math.floor(random() * 8)}`]
    if (pick === 1) return [at, 'o', isAlternate ? '\u001b[?1049h' : '\u001b[?1049l']
    if (pick === 2) return [at, 'o', `\u001b[${1 + Math.floor(random() * 8)};${1 + Math.floor(random() * 30)}H世界`]
    if (pick === 3) return [at, 'i', 'x']
    return [at, 'o', `\u001b[3${pick}mline ${index}\u001b[0m\r\n`]
  })
}

/** In segments of some events, each with the keyframe of its start, as the server cuts them. */
const segmentsOf = (events: RecordedEvent[]): { start: number; segment: Segment }[] => {
  const terminal = createEmulator(size)
  const segments: { start: number; segment: Segment }[] = []
  for (const [index, event] of events.entries()) {
    const init = index === 0 ? '' : index % 37 === 0 ? terminal.exactKeyframe() : null
    if (init !== null) {
      const snapshot = { ...terminal.size(), init }
      segments.push({ start: index === 0 ? 0 : event[0], segment: { snapshot, events: [] } })
    }
    segments.at(-1)!.segment.events.push(event)
    apply(terminal, event)
  }
  return segments
}

const serve = async (t: ExecutionContext, events: RecordedEvent[]): Promise<string> => {
  const segments = segmentsOf(events)
  const index = {
    duration: events.at(-1)![0],
    segments: segments.map(({ start }, number) => ({ start, url: `segments/${number}.json` })),
  }
  const server = createServer((request, response) => {
    const number = /segments\/(\d+)\.json/.exec(request.url ?? '')?.[1]
    response.end(JSON.stringify(number === undefined ? index : segments[Number(number)]!.segment))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.json`
}

/** The player's terminal, told as the player tells it. */
const watch = () => {
  let terminal = createEmulator(size)
  let state: ReplayState | null = null
  const typed: string[] = []
  const replay = createReplay((next) => {
    state = next
  })
  replay.driver({
    dispatch: (name, data) => {
      if (name === 'reset') {
        const { size: reset, init } = data as { size: typeof size; init: string }
        terminal = createEmulator({ ...reset, init })
      }
      if (name === 'output') terminal.write(String(data))
      if (name === 'resize') terminal.resize((data as typeof size).cols, (data as typeof size).rows)
      if (name === 'input') typed.push((data as { data: string }).data)
    },
  })
  return { replay, typed, state: () => state!, screen: () => ({ lines: terminal.lines(), size: terminal.size() }) }
}

const linear = (events: RecordedEvent[], untilMs: number) => {
  const terminal = createEmulator(size)
  for (const event of events) if (event[0] * 1000 <= untilMs) apply(terminal, event)
  return { lines: terminal.lines(), size: terminal.size() }
}

test('after any seek the screen is that of the recording played from its beginning', async (t) => {
  const seed = Date.now() >>> 0
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const events = busyEvents(random)
  const { replay, screen, state } = watch()
  await replay.open(await serve(t, events), {}, 0)
  for (let count = 0; count < 40; count++) {
    const ms = random() * state().durationMs
    await replay.seek(ms)
    t.deepEqual(screen(), linear(events, ms), `at ${ms}`)
    t.is(replay.timeMs(), ms)
  }
  await replay.seek(10_000)
  await replay.step(1)
  const next = events.find(([seconds, code]) => code === 'o' && seconds > 10)![0] * 1000
  t.is(replay.timeMs(), next)
  await replay.step(-1)
  t.true(replay.timeMs() < next)
  t.deepEqual(screen(), linear(events, replay.timeMs()))
})

test('it plays to the end through all segments, fast and with what was typed, and from there from the beginning', async (t) => {
  const seed = Date.now() >>> 0
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const events = busyEvents(random)
  const { replay, screen, state, typed } = watch()
  await replay.open(await serve(t, events), {}, 0)
  replay.setSpeed(64)
  await replay.play()
  await until(() => state().status === 'ended', { what: 'the end', limitMs: 30_000 })
  t.deepEqual(screen(), linear(events, Number.POSITIVE_INFINITY))
  t.is(typed.length, events.filter(([, code]) => code === 'i').length)
  await replay.play()
  t.is(state().status, 'playing')
  replay.pause()
  t.true(replay.timeMs() < state().durationMs)
})

test('a recording that is not there says so', async (t) => {
  const { replay, state } = watch()
  const url = await serve(
    t,
    busyEvents(() => 0.9),
  )
  await replay.open(url, {}, 1_000)
  t.is(state().status, 'paused')
  await replay.open('http://127.0.0.1:1/index.json', {}, 0)
  t.is(state().status, 'failed')
  t.truthy(state().error)
})
