import test from 'ava'
import fc from 'fast-check'
import { createMasker } from '#hooks/agent/masking/masker.ts'
import type { TtyMode } from '#hooks/hook.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { createReplay, maskingConfig } from '#test/helpers/masked-replay.ts'

const modes = fc.constantFrom<TtyMode>('echo', 'no_echo', 'raw', 'unknown')
const streams = fc.constantFrom(Stream.TTYIN, Stream.TTYIN, Stream.TTYOUT, Stream.TTYOUT, Stream.RESIZE, Stream.MARKER)
const typedish = fc.constantFrom(
  'a',
  'ls',
  '\r',
  '\u001b[A',
  '*',
  'é',
  '\u001b',
  '\u001b[200~x\ry\u001b[201~',
  '\u0003',
)
const outputs = fc.constantFrom('a', 'ls', '*', '\u0007', '\r\n', '\u001b[?1049h', '\u001b[?1049l', '\u001b[5;1Hx', ' ')
const bytes = fc.oneof(
  typedish.map((text) => Buffer.from(text)),
  outputs.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((data) => Buffer.from(data)),
)
const events = fc.array(
  fc.record({ stream: streams, data: bytes, afterMs: fc.integer({ min: 0, max: 1500 }), mode: modes }),
  { maxLength: 60 },
)
const sizeOf = ({ data, masked }: Frame): number => data.byteLength + (masked?.length ?? 0)

test('all frames come out once, in order, with their delays, and only typed bytes are masked', (t) => {
  fc.assert(
    fc.property(events, (pushed) => {
      const replay = createReplay()
      let nowMs = 0
      for (const [index, { stream, data, afterMs, mode }] of pushed.entries()) {
        nowMs += afterMs
        replay.push(stream, data, nowMs, mode, BigInt(index + 1))
      }
      const out = replay.end(nowMs).map(({ frame }) => frame)
      let at = 0
      for (const [index, { stream, data }] of pushed.entries()) {
        let seen = 0
        let first = true
        while (first || seen < data.length) {
          const frame = out[at++]!
          t.is(frame.stream, stream)
          t.is(frame.delayNs, first ? BigInt(index + 1) : 0n)
          if (frame.masked) t.is(frame.data.byteLength, 0)
          else t.deepEqual(Buffer.from(frame.data), data.subarray(seen, seen + frame.data.byteLength))
          t.true(!frame.masked || stream === Stream.TTYIN)
          seen += sizeOf(frame)
          first = false
        }
        t.is(seen, data.length)
      }
      t.is(at, out.length)
    }),
    { numRuns: 300 },
  )
})

test('typed frames are held 2 s at most, others 0.9 s, and not above their bytes', (t) => {
  fc.assert(
    fc.property(events, (pushed) => {
      const replay = createReplay()
      const pushedMs: number[] = []
      let nowMs = 0
      for (const [index, { stream, data, afterMs, mode }] of pushed.entries()) {
        nowMs += afterMs
        pushedMs.push(nowMs)
        replay.push(stream, data, nowMs, mode, BigInt(index + 1))
      }
      replay.tickUntil(nowMs + 2000)
      let at = -1
      for (const { frame, releasedMs } of replay.passed) {
        if (frame.delayNs > 0n) at = Number(frame.delayNs) - 1
        const limitMs = frame.stream === Stream.TTYIN ? maskingConfig.holdMs : 900
        t.true(releasedMs - pushedMs[at]! <= limitMs, `${releasedMs - pushedMs[at]!} ms`)
      }
      t.is(at, pushed.length - 1)
      t.is(replay.end(nowMs + 2000).length, replay.passed.length)
    }),
    { numRuns: 300 },
  )
})

const secretText = fc.stringMatching(/^[A-Za-z0-9!#%&=?_.]{8,24}$/)
const cuts = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 24, maxLength: 24 })

const chunks = (text: string, lengths: readonly number[]): string[] => {
  const parts: string[] = []
  let at = 0
  for (const length of lengths) {
    if (at < text.length) parts.push(text.slice(at, at + length))
    at += length
  }
  return parts
}

const typedSecret = (secret: string, lengths: number[], gaps: number[], mode: (index: number) => TtyMode): string => {
  const replay = createReplay(createMasker(maskingConfig))
  replay.push(Stream.TTYOUT, Buffer.from('?: '), 0, 'unknown')
  if (mode(0) !== 'raw' && mode(0) !== 'unknown') replay.observe('no_echo', 10)
  let nowMs = 100
  for (const [index, part] of [...chunks(secret, lengths), '\r'].entries()) {
    nowMs += gaps[index]!
    replay.push(Stream.TTYIN, Buffer.from(part), nowMs, mode(index))
  }
  replay.push(Stream.TTYOUT, Buffer.from('\r\n'), nowMs + 1, 'unknown')
  replay.push(Stream.TTYOUT, Buffer.from('Willkommen\r\n$ '), nowMs + 40, 'raw')
  return Buffer.concat(replay.end(nowMs + 5000).map(({ frame }) => frame.data)).toString('latin1')
}
const gapsMs = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 26, maxLength: 26 })

for (const mode of ['no_echo', 'raw', 'unknown'] as const)
  test(`no byte of a line typed without echo is released (${mode})`, (t) => {
    fc.assert(
      fc.property(secretText, cuts, gapsMs, (secret, lengths, gaps) => {
        t.is(
          typedSecret(secret, lengths, gaps, () => mode),
          '?: \r\r\nWillkommen\r\n$ ',
        )
      }),
      { numRuns: 200 },
    )
  })

test('no byte is released either when the echo is on again before the last frames are looked at', (t) => {
  fc.assert(
    fc.property(
      secretText,
      cuts,
      gapsMs,
      fc.nat(10),
      fc.constantFrom<TtyMode>('echo', 'raw', 'unknown'),
      (secret, lengths, gaps, last, then) => {
        const released = typedSecret(secret, lengths, gaps, (index) => (index < last ? 'no_echo' : then))
        t.is(released, '?: \r\r\nWillkommen\r\n$ ')
      },
    ),
    { numRuns: 200 },
  )
})
