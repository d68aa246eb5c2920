import test from 'ava'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { Session } from '#services/schema/session.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'
import { asciicast, ndjson, plainText } from '#viewer/playback/exports.ts'

const session: Session = Session.parse({
  id: '01900000-0000-7000-8000-000000000001',
  connectionId: null,
  parentId: null,
  user: 'alice',
  person: null,
  login: null,
  runAs: 'alice',
  bastion: 'jump1',
  target: 'jump1',
  sourceIp: '192.0.2.7',
  sourcePort: 40_000,
  hook: 'sudo',
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: null,
  exitCode: null,
  exitSignal: null,
  recorded: true,
  state: 'open',
  evidence: 'pending',
  endDetail: null,
  tty: '/dev/pts/1',
  rows: 24,
  cols: 80,
  argv: ['/bin/bash', '-l'],
  durationMs: null,
  outBytes: 0,
  inBytes: 0,
  commandCount: 0,
  lastActivityAt: null,
})

const bytes = (...values: number[]) => Uint8Array.from(values)
const utf8 = (text: string) => new TextEncoder().encode(text)
async function* timed(...frames: Omit<Frame, 'delayNs'>[]): AsyncGenerator<TimedFrame> {
  let atNs = 0n
  for (const frame of frames) {
    atNs += 250_000_000n
    yield { ...frame, delayNs: 250_000_000n, atNs }
  }
}
const text = async (pieces: AsyncIterable<string>): Promise<string> => (await Array.fromAsync(pieces)).join('')
const out = (data: Uint8Array) => ({ stream: Stream.TTYOUT, data })
const size = (rows: number, cols: number) => ({ stream: Stream.RESIZE, data: bytes(0, rows, 0, cols) })

const castEvents = async (frames: AsyncIterable<TimedFrame>): Promise<[number, string, string][]> =>
  (await text(asciicast(session, frames)))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line))

test('a character cut by a frame border is shown whole, an invalid byte as U+FFFD', async (t) => {
  const wide = utf8('世')
  const frames = timed(out(wide.subarray(0, 2)), out(wide.subarray(2)), out(bytes(0xff)), out(utf8('.')))
  const events = await castEvents(frames)
  t.is(events.map((event) => event[2]).join(''), '世\uFFFD.')
})

test('output without a terminal is shown line under line', async (t) => {
  const frames = timed({ stream: Stream.STDOUT, data: utf8('a\nb\r\n') })
  const events = await castEvents(frames)
  t.is(events[0]?.[2], 'a\r\nb\r\n')
})

test('a resize to nothing is left out: the player refuses a terminal without cells', async (t) => {
  const events = await castEvents(timed(size(0, 0), out(utf8('x'))))
  t.deepEqual(events, [[0.5, 'o', 'x']])
})

test('NDJSON keeps every byte, and of a masked frame its length and rule', async (t) => {
  const masked = { stream: Stream.TTYIN, data: bytes(), masked: { length: 7, rule: 'tty-no-echo' } }
  const lines = (await text(ndjson(session, timed(out(bytes(0xff, 0xfe)), masked, size(40, 132))))).trim().split('\n')
  t.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      { atMs: 250, stream: 'ttyout', dataB64: '//4=' },
      { atMs: 500, stream: 'ttyin', dataB64: '', masked: { length: 7, rule: 'tty-no-echo' } },
      { atMs: 750, stream: 'resize', rows: 40, cols: 132 },
    ],
  )
})

test('a cast has a header and absolute times in seconds', async (t) => {
  const [header, ...events] = (await text(asciicast(session, timed(out(utf8('hi')))))).trim().split('\n')
  t.like(JSON.parse(header!), { version: 2, width: 80, height: 24, timestamp: Date.parse(session.startedAt) / 1000 })
  t.deepEqual(
    events.map((line) => JSON.parse(line)),
    [[0.25, 'o', 'hi']],
  )
})

test('plain text is free of control sequences, and a line longer than any memory is not held', async (t) => {
  t.is(await text(plainText(session, timed(out(utf8('\u001b[1mbold\u001b[0m\r\nnext'))))), 'bold\nnext\n')
  const pieces = await Array.fromAsync(plainText(session, timed(out(utf8('x'.repeat(100_000))), out(utf8('y')))))
  t.true(pieces.length > 1)
})
