import { readFileSync } from 'node:fs'
import test from 'ava'
import { createTtyrecParser } from '#hooks/ttyrec/ttyrec.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { bytesIn, described, parseAll } from '#test/helpers/file-steps.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'

const real = readFileSync(new URL('../../fixtures/recordings/s.ttyrec', import.meta.url))
const inputs = 100_000

const frame = (seconds: number, micros: number, data: string, length = Buffer.byteLength(data)): Buffer => {
  const head = Buffer.alloc(12)
  for (const [place, value] of [seconds, micros, length].entries()) head.writeUInt32LE(value, place * 4)
  return Buffer.concat([head, Buffer.from(data)])
}
const read = (...chunks: Buffer[]) => parseAll(createTtyrecParser(), chunks)
const day = 1_795_000_000

test('a real file: every byte, and every time to the microsecond', (t) => {
  const result = read(real)!
  const times: number[] = []
  let bytes = Buffer.alloc(0)
  for (let at = 0; at < real.length; ) {
    const length = real.readUInt32LE(at + 8)
    times.push(real.readUInt32LE(at) * 1e6 + real.readUInt32LE(at + 4))
    bytes = Buffer.concat([bytes, real.subarray(at + 12, at + 12 + length)])
    at += 12 + length
  }
  t.deepEqual(bytesIn(result.frames, Stream.TTYOUT), bytes)
  t.true(bytes.includes(Buffer.from([0xff, 0xfe])))
  t.is(result.opening.startedAtMs, Math.floor(times[0]! / 1000))
  t.deepEqual(
    result.frames.map(({ delayNs }) => delayNs),
    times.map((time, n) => BigInt(n === 0 ? 0 : time - times[n - 1]!) * 1000n),
  )
  t.like(result.ending, { reason: 'exit', exitCode: null })
  t.regex(result.ending.detail, /^ttyrec keeps nothing of what was typed, no sizes/)
})

test('a file that ends within a frame is truncated, and says where', (t) => {
  const result = read(frame(day, 0, 'whole'), frame(day, 5, 'not whole').subarray(0, 15))!
  t.is(bytesIn(result.frames, Stream.TTYOUT).toString(), 'whole')
  t.is(result.ending.reason, 'truncated')
  t.regex(result.ending.detail, /ends within the frame at byte 17/)
})

test('a head that makes no sense ends what can be read', (t) => {
  for (const bad of [frame(day, 1_000_000, 'x'), frame(day, 0, 'x', 0xffff_ffff)]) {
    t.is(read(bad), null)
    const result = read(frame(day, 0, 'a'), bad, frame(day, 0, 'b'))!
    t.is(bytesIn(result.frames, Stream.TTYOUT).toString(), 'a')
    t.is(result.ending.reason, 'truncated')
  }
  for (const nothing of [Buffer.alloc(0), Buffer.alloc(11), frame(day, 0, '', 5)]) t.is(read(nothing), null)
})

test('a clock that goes back costs no byte and no later time, and is told', (t) => {
  const result = read(frame(day, 0, 'a'), frame(day - 3600, 0, 'b'), frame(day - 3599, 0, 'c'))!
  t.deepEqual(
    result.frames.map(({ delayNs }) => delayNs),
    [0n, 0n, 1_000_000_000n],
  )
  t.deepEqual(result.gaps, ['the clock of the recorder went back by 3600000000 microseconds'])
})

test('times that go on for centuries end; a clock that began at 0 tells no start', (t) => {
  const jumps = Array.from({ length: 10 }, (_, n) => frame(n % 2 === 0 ? 5 : 0xffff_ffff, 0, 'x'))
  const result = read(...jumps)!
  t.is(result.frames.length, 3)
  t.regex(result.ending.detail, /century/)
  t.is(result.opening.startedAtMs, null)
})

test('a long frame in many pieces is put together once', (t) => {
  const data = Buffer.alloc(16 * 1024 * 1024, 'x')
  const head = frame(day, 0, '', data.length)
  const pieces = Array.from({ length: 4096 }, (_, n) => data.subarray(n * 4096, (n + 1) * 4096))
  t.is(read(head, ...pieces)?.frames[0]?.data.byteLength, data.length)
})

test(`${inputs} mutated files: nothing throws or hangs, and it does not matter in which pieces they come`, (t) => {
  const seed = fuzzSeed(t.log)
  const { input, chunksOf, below } = createMutations([real], ['\0\0\0\0', '\xff\xff\xff\xff', '\x40\x42\x0f\0'], seed)
  let sound = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    const whole = read(bytes)
    if (whole !== null) sound++
    if (below(4) === 0 && described(whole) !== described(read(...chunksOf(bytes))))
      t.fail(`seed ${seed}, input ${n}: ${bytes.toString('base64')}`)
  }
  t.true(sound > inputs / 10, `only ${sound}`)
})
