import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { Segment } from '#services/schema/screen.ts'
import { createEmulator } from '#services/terminal/emulator.ts'
import { createPlayerTerminal } from '#services/terminal/player-terminal.ts'
import { createSegmenter } from '#services/terminal/segmenter.ts'
import { createTerminalEvents, type TimedFrame } from '#services/terminal/terminal-events.ts'
import { captureFrames, captureNames, joinedFrames } from '#test/helpers/captures.ts'
import { drawnScreen, play } from '#test/helpers/drawn-screen.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const seekCount = Number(process.env.TEST_SEEKS ?? 40)
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1e9))
const firstSize = { cols: 80, rows: 24 }

const flood = (random: () => number, bytes: number, isBinary: boolean): TimedFrame[] => {
  const frames: TimedFrame[] = []
  for (let sent = 0; sent < bytes; sent += 4095) {
    const byte = () => Math.floor(isBinary ? random() * 256 : 32 + random() * 95)
    const data = Buffer.from(Array.from({ length: 4095 }, byte))
    if (!isBinary)
      for (let at = Math.floor(random() * 200); at + 1 < data.length; at += 1 + Math.floor(random() * 200))
        data.write('\r\n', at)
    frames.push({ atNs: BigInt(sent) * 1000n, delayNs: 0n, stream: Stream.TTYOUT, data })
  }
  return frames
}

/** All captures in a random order, floods of text and of random bytes among them; grows with the number of seeks. */
const longSession = (random: () => number): TimedFrame[] => {
  const parts: TimedFrame[][] = [flood(random, 40 * 1024 * Math.min(seekCount, 400), false)]
  for (let round = 0; round < Math.ceil(seekCount / 100); round++) {
    const names = [...captureNames].sort(() => random() - 0.5)
    for (const name of names) parts.push(captureFrames(name))
    parts.push(flood(random, 300_000, true), [reset])
  }
  return joinedFrames(parts)
}
/** Random bytes leave any mode behind. */
const reset: TimedFrame = { atNs: 0n, delayNs: 0n, stream: Stream.TTYOUT, data: Buffer.from('\x18\x1bc') }

test(`a seek shows what playing from the beginning shows, cell by cell with attributes and cursor (seed ${seed})`, (t) => {
  const random = seededRandom(seed)
  const frames = longSession(random)
  const segmenter = createSegmenter({ size: firstSize, state: null })
  frames.forEach((frame, at) => {
    segmenter.take(frame, { batchSeq: 0, frame: at })
  })
  const { segments } = segmenter.drain()
  t.true(segments.length > 5, `${segments.length} segments`)
  t.is(segmenter.counts().broken, 0)
  const moments = Array.from({ length: seekCount }, () => Math.floor(random() * frames.length)).sort((a, b) => a - b)
  const linear = createPlayerTerminal(firstSize)
  const toEvent = createTerminalEvents()
  let next = 0
  for (const moment of moments) {
    for (; next <= moment; next++) play(linear, toEvent(frames[next]!))
    const segment = segments.findLast(({ place }) => place.frame <= moment)!
    t.deepEqual(
      drawnScreen(soughtTerminal(segment, frames, moment)),
      drawnScreen(linear),
      `frame ${moment}, segment ${segment.number}`,
    )
  }
})

/** As the player seeks: the keyframe into an empty terminal, then the segment's events up to the moment. */
const soughtTerminal = ({ cols, rows, init, place }: Segment, frames: readonly TimedFrame[], moment: number) => {
  const terminal = createPlayerTerminal({ cols, rows })
  if (init !== '') terminal.feed(init)
  const toEvent = createTerminalEvents()
  for (let at = place.frame; at <= moment; at++) {
    const frame = frames[at]!
    play(terminal, toEvent(at === place.frame ? { ...frame, data: frame.data.subarray(place.byte) } : frame))
  }
  return terminal
}

for (const name of captureNames)
  test(`${name}: a keyframe between any two frames is exact, and what follows, too (seed ${seed})`, (t) => {
    const random = seededRandom(seed)
    const frames = captureFrames(name)
    const [linear, emulator, toEvent] = [
      createPlayerTerminal(firstSize),
      createEmulator(firstSize),
      createTerminalEvents(),
    ]
    const events = frames.map(toEvent)
    const cuts = Array.from({ length: Math.ceil(seekCount / 4) }, () => Math.floor(random() * frames.length)).sort(
      (a, b) => a - b,
    )
    const sought: { terminal: ReturnType<typeof createPlayerTerminal>; left: number }[] = []
    events.forEach((event, at) => {
      play(linear, event)
      if (event?.[1] === 'o') emulator.write(event[2])
      if (event?.[1] === 'r') emulator.resize(...(event[2].split('x').map(Number) as [number, number]))
      for (const one of sought) {
        play(one.terminal, event)
        if (--one.left === 0) t.deepEqual(drawnScreen(one.terminal), drawnScreen(linear), `${at}`)
      }
      if (!cuts.includes(at)) return
      const init = emulator.exactKeyframe()
      t.not(init, null, `no exact keyframe after frame ${at}`)
      const terminal = createPlayerTerminal(emulator.size())
      if (init) terminal.feed(init)
      t.deepEqual(drawnScreen(terminal), drawnScreen(linear), `${at}`)
      sought.push({ terminal, left: 1 + Math.floor(random() * 60) })
    })
  })
