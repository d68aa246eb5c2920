import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { ScreenText, Segment } from '#services/schema/screen.ts'
import { createPlayerTerminal } from '#services/terminal/player-terminal.ts'
import { createSegmenter, type SegmenterState } from '#services/terminal/segmenter.ts'
import { createTerminalEvents, type TimedFrame } from '#services/terminal/terminal-events.ts'
import { captureFrames, captureNames, joinedFrames } from '#test/helpers/captures.ts'
import { drawnScreen, play } from '#test/helpers/drawn-screen.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1e9))
const size = { cols: 80, rows: 24 }

const output = (atMs: number, data: string | Uint8Array): TimedFrame => ({
  atNs: BigInt(atMs) * 1_000_000n,
  delayNs: 0n,
  stream: Stream.TTYOUT,
  data: Buffer.from(data),
})
const resize = (atMs: number, cols: number, rows: number): TimedFrame => {
  const data = Buffer.alloc(4)
  data.writeUInt16BE(rows, 0)
  data.writeUInt16BE(cols, 2)
  return { atNs: BigInt(atMs) * 1_000_000n, delayNs: 0n, stream: Stream.RESIZE, data }
}

/** `restarts`: before these frames it goes on from its saved state. */
const segmented = (frames: readonly TimedFrame[], restarts = new Set<number>()) => {
  let segmenter = createSegmenter({ size, state: null })
  const [segments, texts]: [Segment[], ScreenText[]] = [[], []]
  const drain = () => {
    const drained = segmenter.drain()
    segments.push(...drained.segments)
    texts.push(...drained.texts)
  }
  frames.forEach((frame, at) => {
    if (restarts.has(at)) {
      drain()
      segmenter = createSegmenter({ size, state: JSON.parse(JSON.stringify(segmenter.state())) as SegmenterState })
    }
    segmenter.take(frame, { batchSeq: 0, frame: at })
  })
  drain()
  return { segments, texts, counts: segmenter.counts(), state: segmenter.state() }
}

test(`saved and restored anywhere, a session gives the same segments and texts (seed ${seed})`, (t) => {
  const random = seededRandom(seed)
  const frames = joinedFrames([...captureNames, ...captureNames].map(captureFrames))
  const restarts = new Set(Array.from({ length: 60 }, () => Math.floor(random() * frames.length)))
  const [whole, restarted] = [segmented(frames), segmented(frames, restarts)]
  t.true(whole.segments.length > 8, `${whole.segments.length}`)
  t.true(whole.texts.length > 100, `${whole.texts.length}`)
  t.deepEqual(restarted.segments, whole.segments)
  t.deepEqual(restarted.texts, whole.texts)
})

/** The linear terminal at each segment's beginning draws what its keyframe does. */
const checkBeginnings = (
  t: import('ava').ExecutionContext,
  frames: readonly TimedFrame[],
  segments: readonly Segment[],
) => {
  const [linear, toEvent] = [createPlayerTerminal(size), createTerminalEvents()]
  const places = new Map(segments.map((segment) => [segment.place.frame, segment]))
  frames.forEach((frame, at) => {
    const segment = places.get(at)
    const isResize = frame.stream === Stream.RESIZE
    const byte = segment?.place.byte ?? 0
    play(linear, toEvent({ ...frame, data: isResize ? frame.data : frame.data.subarray(0, byte) }))
    if (segment) {
      const restored = createPlayerTerminal(segment)
      if (segment.init !== '') restored.feed(segment.init)
      if (segment.number > 0) t.deepEqual(drawnScreen(restored), drawnScreen(linear), `segment ${segment.number}`)
    }
    if (!isResize) play(linear, toEvent({ ...frame, data: frame.data.subarray(byte) }))
  })
}

test('a large frame is cut between lines, never inside a sequence or a character', (t) => {
  const line = '\x1b[1;32m你好\x1b[m wörld \x1b[38;2;1;2;3m😀\x1b[m and so on and on\r\n'
  const all = Buffer.from(line.repeat(30_000))
  const frame = Buffer.from(line).byteLength * 3000
  // Each begins inside a sequence or a character.
  const frames = Array.from({ length: 10 }, (_, at) =>
    output(100 * (at + 1), all.subarray(at && at * frame + 3 + at * 3, (at + 1) * frame + 3 + (at + 1) * 3)),
  )
  const { segments } = segmented(frames)
  t.true(segments.some(({ place }) => place.byte > 0))
  for (const { place } of segments.slice(1)) {
    const data = Buffer.from(frames[place.frame]!.data)
    t.is(data.subarray(0, place.byte).toString() + data.subarray(place.byte).toString(), data.toString())
  }
  checkBeginnings(t, frames, segments)
})

test('a sequence without an end does not make a segment without an end', (t) => {
  const frames = Array.from({ length: 100 }, (_, at) =>
    output(10 * (at + 1), at === 0 ? '\x1b]52;c;' : 'A'.repeat(40_000)),
  )
  const { segments, state } = segmented([...frames, output(2000, '\x07after')])
  t.true(segments.length >= 6, `${segments.length}`)
  t.true(JSON.stringify(state).length < 4096)
  checkBeginnings(t, frames, segments)
})

test('segments stay few under resizes and switches of screen without end, and sizes are those of a terminal', (t) => {
  const random = seededRandom(seed)
  const sizes = [0, 1, 2, 40, 300, 65_535]
  const any = () => sizes[Math.floor(random() * sizes.length)]!
  const frames = Array.from({ length: 3000 }, (_, at) =>
    at % 3 === 0 ? resize(at, any(), any()) : output(at, at % 2 ? '\x1b[?1049hx' : '\x1b[?1049ly\r\n'),
  )
  const { segments, counts } = segmented(frames)
  t.true(segments.length < 12, `${segments.length}`)
  t.is(counts.broken, 0)
  t.true(segments.every(({ cols, rows }) => cols >= 2 && cols <= 1000 && rows >= 1 && rows <= 500))
})

test('a pause, a resize and a full-screen program begin segments where there is something to cut off', (t) => {
  const some = 'some words and a line\r\n'.repeat(4000)
  const frames = [output(0, some), output(10_000, 'after a pause'), output(10_100, some), resize(10_200, 100, 30)]
  frames.push(output(10_300, some), output(10_400, '\x1b[?1049hvim'), output(10_500, 'shown'), output(10_600, some))
  frames.push(output(10_700, '\x1b[?1049l'), output(10_800, 'prompt'), resize(10_900, 90, 30))
  const { segments } = segmented(frames)
  t.deepEqual(
    segments.map(({ startUs, cols, isAlternate }) => [startUs / 1000, cols, isAlternate]),
    [
      [0, 80, false],
      [10_000, 80, false],
      [10_200, 100, false],
      [10_500, 100, true],
      [10_800, 100, false],
    ],
  )
  t.deepEqual(segments[1]!.pauses, [[0, 10_000_000]])
  checkBeginnings(t, frames, segments)
})

test('an hour of silence makes no segments', (t) => {
  const frames = Array.from({ length: 50 }, (_, at) => output(3_600_000 * at, '.'))
  t.is(segmented(frames).segments.length, 2)
  t.is(segmented(frames).segments[1]!.pauses.length, segmented(frames).segments[1]!.startUs / 3_600_000_000)
})
