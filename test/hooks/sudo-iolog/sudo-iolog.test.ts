import { readdirSync, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import test from 'ava'
import { fileLimits } from '#hooks/recorded-file.ts'
import { readLogJson, readLogText } from '#hooks/sudo-iolog/log-file.ts'
import { type IologFiles, readSudoIolog } from '#hooks/sudo-iolog/sudo-iolog.ts'
import { createTimingReader } from '#hooks/sudo-iolog/timing.ts'
import { hasCode } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { bytesIn, described, type Read, readOf } from '#test/helpers/file-steps.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'

const folder = new URL('../../fixtures/sudo/iolog/', import.meta.url)
const real = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]))
const { 'log.json': logJson, ...old } = real

type Files = Record<string, Buffer | string>
const opener =
  (files: Files, chunksOf: (bytes: Buffer) => Buffer[]): IologFiles =>
  (name) =>
    files[name] === undefined ? null : Readable.from(chunksOf(Buffer.from(files[name])))
const read = async (files: Files, chunksOf = (bytes: Buffer) => [bytes]): Promise<Read | null> => {
  const steps = []
  try {
    for await (const some of readSudoIolog(opener(files, chunksOf))) steps.push(...some)
    return readOf(steps)
  } catch (error) {
    if (hasCode(error, 'BTZ_IMPORT_FAILED')) return null
    throw error
  }
}
const log = '1795216921:alice:root::/dev/pts/0:30:100\n/home/alice\n/bin/sh -c id\n'

test('a log with log.json: every byte, every nanosecond, who ran what as whom, and how it ended', async (t) => {
  const result = (await read(real))!
  t.like(result.opening, { user: 'bastion1', runAs: 'bastion1', target: 'vm', tty: '/dev/pts/0', rows: 30, cols: 100 })
  t.is(result.opening.startedAtMs, 1_795_216_921_123)
  t.is(result.opening.argv[0], 'bash')
  t.deepEqual(bytesIn(result.frames, Stream.TTYOUT), real.ttyout)
  t.deepEqual(bytesIn(result.frames, Stream.TTYIN), real.ttyin)
  t.deepEqual(
    result.frames.map(({ delayNs }) => delayNs),
    real
      .timing!.toString()
      .trim()
      .split('\n')
      .map((line) => BigInt(line.split(' ')[1]!.replace('.', ''))),
  )
  t.like(result.ending, { reason: 'exit', exitCode: 3, runTimeNs: 446_458_953n, detail: '' })
})

test('a log of before sudo 1.9 has the same bytes and no exit code, and says so', async (t) => {
  const [before, now] = [(await read(old as Files))!, (await read(real))!]
  t.is(described({ ...before, opening: now.opening, ending: now.ending }), described(now))
  t.like(before.opening, {
    user: 'bastion1',
    cwd: '/home/bastion1',
    rows: 30,
    cols: 100,
    startedAtMs: 1_795_216_921_000,
  })
  t.like(before.ending, { reason: 'exit', exitCode: null, detail: 'the log does not tell how it ended' })
})

test('suspends, all streams, a decimal comma, the numbers of sudo 1.8.7', async (t) => {
  const timing = '0 0,5 1\n1 1.000000001 2\n2 1 1\n7 0.1 TSTP\n7 2.0 CONT\n'
  const result = (await read({ log, timing, stdin: 'i', stdout: 'oo', stderr: 'e' }))!
  t.deepEqual(
    result.frames.map(({ stream, delayNs, data }) => [stream, delayNs, Buffer.from(data).toString()]),
    [
      [Stream.STDIN, 500_000_000n, 'i'],
      [Stream.STDOUT, 1_000_000_001n, 'oo'],
      [Stream.STDERR, 1_000_000_000n, 'e'],
      [Stream.SUSPEND, 100_000_000n, 'TSTP'],
      [Stream.SUSPEND, 2_000_000_000n, 'CONT'],
    ],
  )
  const shifted = (await read({ log, timing: '6 1.0 3\n5 1.0 2\n', ttyin: 'in', ttyout: 'out' }))!
  t.is(bytesIn(shifted.frames, Stream.TTYIN).toString() + bytesIn(shifted.frames, Stream.TTYOUT).toString(), 'inout')
})

test('what was cut off, and what timing does not tell of, is kept and said', async (t) => {
  const cases: [Files, string, RegExp][] = [
    [{ timing: '4 0.1 10\n', ttyout: 'short' }, 'short', /^ttyout ends 5 bytes before timing says/],
    [{ timing: '4 0.1 2\n', ttyout: 'more' }, 'more', /timing tells nothing of the last 2 bytes of ttyout/],
    [{ timing: '4 0.1 2\n4 0.1 2', ttyout: 'torn' }, 'torn', /line 2 of timing cannot be read/],
    [{ timing: '4 0.1 2\nwhat\n', ttyout: 'ab' }, 'ab', /line 2 of timing/],
    [{ timing: `4 ${'9'.repeat(12)} 2\n`, ttyout: 'ab' }, 'ab', /line 1 of timing/],
    [{ timing: `4 0.1 ${'9'.repeat(15)}\n`, ttyout: 'ab' }, 'ab', /ttyout ends \d+ bytes before/],
    [{ timing: `4 0.1 ${' '.repeat(1_000_000)}2\n`, ttyout: 'ab' }, 'ab', /line 1 of timing/],
    [{ timing: '4 -1 2\n', ttyout: 'ab' }, 'ab', /line 1 of timing/],
    [{ timing: '5 0.1 0 80\n', ttyout: 'ab' }, 'ab', /line 1 of timing/],
    [{ timing: '4 0.1 3\n' }, '', /^ttyout ends 3 bytes/],
  ]
  for (const [files, bytes, detail] of cases) {
    const result = (await read({ log, ...files }))!
    t.is(bytesIn(result.frames, Stream.TTYOUT).toString(), bytes, detail.source)
    t.is(result.ending.reason, 'truncated', detail.source)
    t.regex(result.ending.detail, detail)
  }
})

test('delays that add up to more than a century end the session', async (t) => {
  const result = (await read({ log, timing: '4 4000000000 1\n'.repeat(3), ttyout: 'abc' }))!
  t.is(bytesIn(result.frames, Stream.TTYOUT).toString(), 'abc')
  t.regex(result.ending.detail, /line 2 of timing/)
})

test('what says nothing of who ran what is no log', async (t) => {
  const timing = '4 0.1 1\n'
  const logs: Files[] = [
    {},
    { log: '' },
    { log: 'x' },
    { log: '1:a:b::c\n/\n' },
    { 'log.json': '{' },
    { 'log.json': '[]' },
  ]
  const nobody = { 'log.json': '{"timestamp":{"seconds":1},"command":"/bin/sh"}' }
  const longName = { log: log.replace('alice', 'a'.repeat(300)) }
  const huge = { 'log.json': ' '.repeat(fileLimits.headerBytes + 1) }
  for (const files of [...logs, nobody, longName, huge]) t.is(await read({ timing, ...files }), null)
  t.is(await read({ log }), null)
})

const accepted = (run: () => unknown): boolean => {
  try {
    run()
    return true
  } catch (error) {
    if (hasCode(error, 'BTZ_IMPORT_FAILED')) return false
    throw error
  }
}

const inputs = 100_000
const pieces = [
  '-1',
  '1e999',
  '{',
  '}',
  '[',
  '"',
  '\\ud800',
  ':',
  '\n',
  ' ',
  '.',
  ',',
  '9'.repeat(20),
  '\0',
  '\xff',
  '5 0.1 1 1\n',
  '7 0 TSTP\n',
  '6 1 1\n',
]

test(`${inputs} mutated log.json, log and lines of timing: nothing throws or hangs`, (t) => {
  const seed = fuzzSeed(t.log)
  const json = createMutations([logJson!], pieces, seed)
  const text = createMutations([old.log!, Buffer.from(log)], pieces, seed + 1)
  const lines = real
    .timing!.toString()
    .split('\n')
    .map((line) => Buffer.from(line))
  const timing = createMutations(lines, pieces, seed + 2)
  const counts = { json: 0, text: 0, timing: 0 }
  for (let n = 0; n < inputs; n++) {
    if (accepted(() => readLogJson(json.input().toString()))) counts.json++
    if (accepted(() => readLogText(text.input().toString()))) counts.text++
    const found = createTimingReader()(timing.input().toString('latin1'))
    if (found === null) continue
    counts.timing++
    if (found.delayNs < 0n || found.delayNs > fileLimits.elapsedNs) t.fail(`seed ${seed}, line ${n}`)
  }
  for (const [name, count] of Object.entries(counts)) t.true(count > inputs / 50, `${name}: only ${count}`)
})

test('10000 mutated logs as a whole: nothing throws or hangs, and no byte is lost', async (t) => {
  const seed = fuzzSeed(t.log)
  const { input, chunksOf, below } = createMutations([real.timing!], pieces, seed)
  const { ttyin, ttyout } = real
  let truncated = 0
  for (let n = 0; n < 10_000; n++) {
    const timing = input()
    const files: Files = { log, timing, ttyin: ttyin!, ttyout: ttyout! }
    const result = await read(files, below(10) === 0 ? chunksOf : undefined)
    const kept = result !== null && bytesIn(result.frames, Stream.TTYOUT).equals(ttyout!)
    if (!kept || !bytesIn(result.frames, Stream.TTYIN).equals(ttyin!))
      t.fail(`seed ${seed}, input ${n}: ${timing.toString('base64')}`)
    if (result?.ending.reason === 'truncated') truncated++
  }
  t.true(truncated > 1_000 && truncated < 9_900, `${truncated} truncated`)
})
