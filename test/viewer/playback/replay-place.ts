import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { createPlayerTerminal, type PlayerTerminal } from '#services/terminal/player-terminal.ts'
import { createTerminalEvents, type TerminalEvent } from '#services/terminal/terminal-events.ts'
import { recordedSession } from '#test/helpers/recorded-session.ts'
import { until } from '#test/helpers/until.ts'
import type { startContentPlace } from '../content-place.ts'

type Place = Awaited<ReturnType<typeof startContentPlace>>
type Random = () => number

const fixture = fileURLToPath(new URL('../../fixtures/replay/terminal.cast.zst', import.meta.url))
export const captureSize = { cols: 100, rows: 30 }

const captured = (): { delayMs: number; data: Buffer }[] => {
  const lines = zstdDecompressSync(readFileSync(fixture)).toString('utf8').trim().split('\n').slice(1)
  return lines.flatMap((line) => {
    const [seconds, code, data] = JSON.parse(line) as TerminalEvent
    return code === 'o' ? [{ delayMs: Math.round(seconds * 1000), data: Buffer.from(data) }] : []
  })
}

const resize = (cols: number, rows: number): Frame => {
  const data = Buffer.alloc(4)
  data.writeUInt16BE(rows, 0)
  data.writeUInt16BE(cols, 2)
  return { delayNs: 3_000_000n, stream: Stream.RESIZE, data }
}
const nsOf = (ms: number): bigint => BigInt(ms) * 1_000_000n

/** Real output cut at any byte, with resizes, pauses, typed keys and, where `hasGap`, a marker of lost bytes in it. */
export const capturedFrames = (random: Random, rounds: number): Frame[] => {
  const frames: Frame[] = []
  for (let round = 0; round < rounds; round++) {
    for (const { delayMs, data } of captured()) {
      const at = Math.floor(random() * (data.byteLength + 1))
      const pauseMs = random() < 0.03 ? Math.floor(random() * 90_000) : 0
      frames.push({ delayNs: nsOf(delayMs + pauseMs) + 1_234n, stream: Stream.TTYOUT, data: data.subarray(0, at) })
      frames.push({ delayNs: random() < 0.5 ? 0n : 700_000n, stream: Stream.TTYOUT, data: data.subarray(at) })
      if (random() < 0.1) frames.push({ delayNs: 5_000_000n, stream: Stream.TTYIN, data: Buffer.from('k') })
      if (random() < 0.03) frames.push(resize(60 + Math.floor(random() * 80), 10 + Math.floor(random() * 40)))
    }
    const gap = { type: 'gap', reason: 'source', detail: `12 bytes of round ${round}`, lostBytes: 12 }
    frames.push({ delayNs: 9_000_000n, stream: Stream.MARKER, data: Buffer.from(JSON.stringify(gap)) })
  }
  return frames
}

const inBatches = (frames: readonly Frame[], perBatch: number): Frame[][] =>
  Array.from({ length: Math.ceil(frames.length / perBatch) }, (_, at) =>
    frames.slice(at * perBatch, (at + 1) * perBatch),
  )

/** Its views stand as far as its evidence. */
export const untilViewed = (place: Place, id: string): Promise<void> =>
  until(
    async () => {
      const views = await place.backends.views.segments(id)
      const blocks = await place.backends.catalog.blocks(id)
      return views !== null && views.throughSeq === blocks.at(-1)?.lastSeq
    },
    { limitMs: 60_000, what: 'the views of the session' },
  )

/** A sealed session of these frames. */
export const storeSession = async (place: Place, frames: readonly Frame[], user = 'alice') => {
  const session = recordedSession({ user, ...captureSize })
  const batches = inBatches(frames, 40).map((some, at) => (at === 0 ? session.first(...some) : session.next(...some)))
  batches.push(session.end(EndReason.EXIT))
  const topic = 'session-frames' as const
  await place.backends.bus.produce(batches.map((value) => ({ topic, key: session.sessionId, value })))
  const isSealed = async () => {
    await place.drain()
    const found = await place.backends.catalog.session(session.sessionId)
    return found?.evidence === 'sealed' && found.endedAt !== null
  }
  await until(isSealed, { limitMs: 60_000, what: 'sealed' })
  return session.sessionId
}

/** The recording's events as they are, from end to end. */
export const eventsOf = (frames: readonly Frame[]): TerminalEvent[] => {
  const toEvent = createTerminalEvents()
  let atNs = 0n
  return frames.flatMap((frame) => {
    atNs += frame.delayNs
    const event = toEvent({ ...frame, atNs })
    return event ? [event] : []
  })
}

/** The player's terminal, fed from the beginning up to each of the moments, which are in order. */
export function* linearly(events: readonly TerminalEvent[], moments: readonly number[]): Generator<PlayerTerminal> {
  const terminal = createPlayerTerminal(captureSize)
  let next = 0
  for (const moment of moments) {
    for (let event = events[next]; event && event[0] <= moment; event = events[++next]) {
      if (event[1] === 'o') terminal.feed(event[2])
      if (event[1] !== 'r') continue
      const [cols = 0, rows = 0] = event[2].split('x').map(Number)
      terminal.resize(cols, rows)
    }
    yield terminal
  }
}
