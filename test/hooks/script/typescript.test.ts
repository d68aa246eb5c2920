import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { parseTimingLine } from '#hooks/script/timing-log.ts'
import { createTypescript, type Step } from '#hooks/script/typescript.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const fixture = (name: string) => readFile(fileURLToPath(new URL(`../../fixtures/script/${name}`, import.meta.url)))
const framesOf = (steps: Step[]) => steps.flatMap((step) => (step.do === 'frame' ? [step.frame] : []))
const bytesOf = (steps: Step[], stream: Stream) =>
  Buffer.concat(
    framesOf(steps)
      .filter((frame) => frame.stream === stream)
      .map(({ data }) => data),
  )

const readAll = (data: Buffer, timing: Buffer, pieces: () => number): Step[] => {
  const typescript = createTypescript()
  const steps: Step[] = []
  let [dataAt, timingAt] = [0, 0]
  while (dataAt < data.length || timingAt < timing.length) {
    const length = pieces()
    steps.push(...typescript.data(data.subarray(dataAt, dataAt + length)))
    dataAt += length
    const lengthOfTiming = pieces()
    steps.push(...typescript.timing(timing.subarray(timingAt, timingAt + lengthOfTiming)))
    timingAt += lengthOfTiming
  }
  return steps
}

test('what script 2.38.1 wrote is read whole: typed and shown bytes, the resize, the exit code', async (t) => {
  const [data, timing] = await Promise.all([fixture('log.io'), fixture('log.timing')])
  const steps = readAll(data, timing, () => 1_000_000)
  const heading = data.indexOf('\n') + 1
  const end = data.lastIndexOf('\nScript done on ')
  t.deepEqual(
    Buffer.concat(
      framesOf(steps)
        .filter(({ stream }) => stream !== Stream.RESIZE)
        .map(({ data }) => data),
    ),
    data.subarray(heading, end),
  )
  t.true(bytesOf(steps, Stream.TTYIN).length > 0)
  t.true(bytesOf(steps, Stream.TTYOUT).includes(Buffer.from([0xff, 0xfe])))
  t.deepEqual(bytesOf(steps, Stream.RESIZE), Buffer.from([0, 40, 0, 132]))
  t.deepEqual(steps.at(-1), { do: 'exit', exitCode: 3 })
  const elapsedNs = framesOf(steps).reduce((sum, { delayNs }) => sum + delayNs, 0n)
  t.is(elapsedNs, 1_227_434_000n)
})

test('how the two logs come in pieces changes nothing', async (t) => {
  const [data, timing] = await Promise.all([fixture('log.io'), fixture('log.timing')])
  const whole = readAll(data, timing, () => 1_000_000)
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  for (let round = 0; round < 50; round++) {
    const most = 1 + Math.floor(random() * 40)
    t.deepEqual(
      readAll(data, timing, () => 1 + Math.floor(random() * most)),
      whole,
      `seed ${seed}`,
    )
  }
})

test('the delay of a signal that makes no frame goes to the next one', (t) => {
  const typescript = createTypescript()
  typescript.data(Buffer.from('Script started\nab'))
  const steps = typescript.timing(Buffer.from('O 0.000001 1\nS 1.500000 SIGTERM\nO 0.250000 1\n'))
  t.deepEqual(
    steps.map((step) => step.do),
    ['frame', 'signal', 'frame'],
  )
  t.is(framesOf(steps)[1]!.delayNs, 1_750_000_000n)
})

test('lines that script never writes are refused', (t) => {
  const hostile = [
    '',
    'O',
    'X 0.000000 1',
    'O 0.0 1',
    'O -1.000000 1',
    'O 0.000000 -1',
    'O 0.000000 65537',
    'O 0.000000 1e3',
    'O 9999999999.000000 1',
    'I 0.000000 1 2',
    'S 0.000000 SIGWINCH ROWS=65536 COLS=1',
    'S 0.000000 sigterm',
    'S 0.000000 SIGWINCH ROWS=-1 COLS=1',
    '\u0000',
    'O 0.000000 １',
  ]
  for (const line of hostile) {
    const error = t.throws(() => parseTimingLine(line), { instanceOf: BartizanError }, JSON.stringify(line))
    t.is(error?.code, 'BTZ_SCRIPT_FORMAT')
  }
  t.is(parseTimingLine('H 0.000000 COMMAND O 0.000000 5'), null)
  t.is(parseTimingLine('H 0.000000 EXIT_CODE 1234'), null)
})

test('a line without end and data without heading are bounded', (t) => {
  const endless = createTypescript()
  t.throws(() => endless.timing(Buffer.alloc(17 * 1024, 'H')), { instanceOf: BartizanError })
  const headless = createTypescript()
  t.throws(() => headless.data(Buffer.alloc(65 * 1024, 'x')), { instanceOf: BartizanError })
})

test('100,000 hostile inputs are read or refused by name, and never give more bytes than came', (t) => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const line = (): string =>
    pick([
      () => `${pick(['I', 'O'])} 0.00000${Math.floor(random() * 10)} ${Math.floor(random() * 12)}`,
      () => `S 0.000001 ${pick(['SIGWINCH ROWS=40 COLS=132', 'SIGTERM', 'SIGWINCH', 'SIGWINCH ROWS=70000 COLS=1'])}`,
      () => `H 0.000000 ${pick(['EXIT_CODE 3', 'TERM x', 'COMMAND a', 'EXIT_CODE x'])}`,
      () => Buffer.from(Array.from({ length: 8 }, () => Math.floor(random() * 256))).toString('latin1'),
    ])()
  let [refused, read] = [0, 0]
  for (let round = 0; round < 100_000; round++) {
    const typescript = createTypescript()
    const data = Buffer.from(`${pick(['Script started\n', '', 'x'])}${'y'.repeat(Math.floor(random() * 20))}`)
    const timing = Buffer.from(`${Array.from({ length: 1 + Math.floor(random() * 4) }, line).join('\n')}\n`, 'latin1')
    try {
      const steps = [...typescript.data(data), ...typescript.timing(timing)]
      const given = framesOf(steps).filter(({ stream }) => stream !== Stream.RESIZE)
      const givenBytes = given.reduce((sum, frame) => sum + frame.data.length, 0)
      if (givenBytes + typescript.unclaimedBytes > data.length) t.fail(`seed ${seed}`)
      read += givenBytes
    } catch (error) {
      if (!hasCode(error, 'BTZ_SCRIPT_FORMAT')) throw error
      refused += 1
    }
  }
  t.log(`seed ${seed}: ${refused} refused, ${read} bytes read`)
  t.true(refused > 10_000 && read > 10_000)
})
