import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { Session } from '#services/schema/session.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { asciicast, asciicast3, ndjson, plainText } from '#viewer/playback/exports.ts'
import { sessionTime, transcript } from '#viewer/playback/transcript.ts'

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

const linesOf = async (pieces: AsyncIterable<string>) => (await text(pieces)).trimEnd().split('\n')

test('a cast v3 counts from event to event, and adds up to the microsecond', async (t) => {
  async function* uneven(): AsyncGenerator<TimedFrame> {
    for (const atNs of [333_333n, 1_000_666_999n, 1_000_667_000n, 36_000_000_000_001n])
      yield { ...out(utf8('x')), delayNs: 0n, atNs }
  }
  const [header, ...events] = await linesOf(asciicast3({ ...session, exitCode: 3 }, uneven()))
  t.like(JSON.parse(header!), { version: 3, term: { cols: 80, rows: 24 }, title: 'alice@jump1' })
  const intervals = events.map((line): number => JSON.parse(line)[0])
  t.deepEqual(intervals, [0.000333, 1.000333, 0.000001, 35_998.999333, 0])
  t.deepEqual(JSON.parse(events.at(-1)!), [0, 'x', '3'])
})

realTest(test, ['asciinema'], 'asciinema reads casts v2 and v3, and gets the same recording of both', async (t) => {
  const folder = await temporaryFolder(t)
  const gap = { type: 'gap', reason: 'source', detail: '3 bytes', lostBytes: 3 }
  const frames = () =>
    timed(
      out(utf8('\u001b[1mone 世界\u001b[0m\r\n')),
      { stream: Stream.TTYIN, data: utf8('k') },
      size(40, 132),
      { stream: Stream.MARKER, data: utf8(JSON.stringify(gap)) },
      out(bytes(0xff, 0x41)),
    )
  const read = async (name: string, cast: AsyncIterable<string>, format: string): Promise<string> => {
    const [from, to] = [join(folder, `${name}.cast`), join(folder, `${name}.${format}`)]
    await writeFile(from, await text(cast))
    await promisify(execFile)('asciinema', ['convert', '-f', format, from, to], { timeout: 60_000 })
    return readFile(to, 'utf8')
  }
  const ended = { ...session, exitCode: 0 }
  const fromV3 = await read('three', asciicast3(ended, frames()), 'asciicast-v2')
  const fromV2 = await read('two', asciicast(ended, frames()), 'asciicast-v2')
  const eventsOf = (cast: string) =>
    cast
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as [number, string, string])
  const plain = (cast: string) => eventsOf(cast).filter(([, code]) => code !== 'x')
  t.deepEqual(plain(fromV3), plain(fromV2))
  t.is(plain(fromV3).length, 5)
  t.is(await read('text3', asciicast3(ended, frames()), 'txt'), await read('text2', asciicast(ended, frames()), 'txt'))
})

test('a transcript tells with its times what the eye read, also in a full-screen program', async (t) => {
  const frames = timed(
    out(utf8('$ ec\u0008\u001b[Kcho \u001b[31mne\u001b[0medle\r\nneedle\r\n')),
    out(utf8('\u001b[?1049h\u001b[H\u001b[2J\u001b[5;3Hinside of vim')),
    ...Array.from({ length: 8 }, () => out(utf8('\u001b[H'))),
    out(utf8('\u001b[?1049l$ exit\r\n')),
  )
  const lines = await linesOf(transcript(session, frames))
  t.deepEqual(
    lines.map((line) => line.slice(39)),
    ['$ echo needle', 'needle', '  inside of vim', '$ exit'],
  )
  t.is(lines[0]!.slice(0, 39), '2026-01-02T03:04:05.250Z  0:00:00.250  ')
})

test('an hour and more is told as such', (t) => {
  t.is(sessionTime(36_061_007), '10:01:01.007')
})
