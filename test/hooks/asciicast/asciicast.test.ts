import { readFileSync } from 'node:fs'
import test from 'ava'
import { createAsciicastParser } from '#hooks/asciicast/asciicast.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { bytesIn, described, parseAll } from '#test/helpers/file-steps.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/recordings/${name}`, import.meta.url))
const v2 = fixture('v2.cast')
const v3 = fixture('v3.cast')
const v1Object = {
  ...{ version: 1, width: 80, height: 24, duration: 1.5, command: '/bin/zsh', title: '' },
  env: { TERM: 'xterm', SHELL: '/bin/zsh', note: '"stdout": [' },
  stdout: [
    [0.248848, '\u001b[1;31m"Hello \\ \u001b[32m\u4e16]'],
    [1.001376, 'That was ok\r\n'],
  ],
}
const v1 = Buffer.from(JSON.stringify(v1Object))
const inputs = 100_000

const read = (...chunks: (Buffer | string)[]) =>
  parseAll(
    createAsciicastParser(),
    chunks.map((chunk) => Buffer.from(chunk)),
  )
const head2 = '{"version":2,"width":80,"height":24,"timestamp":1795000000}\n'
const head3 = '{"version":3,"term":{"cols":80,"rows":24},"timestamp":1795000000}\n'
const delaysMs = (found: ReturnType<typeof read>) => found!.frames.map(({ delayNs }) => Number(delayNs) / 1e6)

test('version 1, on one line and over many, gives the same', (t) => {
  const one = read(v1)!
  t.like(one.opening, { rows: 24, cols: 80, argv: ['/bin/zsh'], startedAtMs: null })
  t.is(bytesIn(one.frames, Stream.TTYOUT).toString(), v1Object.stdout.map(([, text]) => text).join(''))
  t.deepEqual(delaysMs(one), [248.848, 1001.376])
  t.like(one.ending, { reason: 'exit', runTimeNs: 1_250_224_000n })
  t.is(described(read(JSON.stringify(v1Object, null, 2))), described(one))
  t.is(described(read(...JSON.stringify(v1Object))), described(one))
})

test('version 2 counts from the start, version 3 from the event before; resize, exit code and marker', (t) => {
  const [two, three] = [read(v2)!, read(v3)!]
  t.is(delaysMs(two)[1], 8.303)
  t.is(delaysMs(three)[2], 52)
  t.deepEqual(
    three.frames.filter(({ stream }) => stream === Stream.RESIZE).map(({ data }) => [...data]),
    [[0, 40, 0, 132]],
  )
  t.is(three.ending.exitCode, 3)
  t.like(three.opening, { argv: ['bash', '--norc'], startedAtMs: 1_795_217_391_000, client: 'asciicast v3' })
  t.is(bytesIn(two.frames, Stream.TTYIN).toString(), bytesIn(three.frames, Stream.TTYIN).toString())
  for (const { ending } of [two, three]) t.regex(ending.detail, /U\+FFFD, which bytes that were no UTF-8 became: 2,/)
})

test('what an event without a frame waited belongs to the next frame', (t) => {
  const result = read(head3, '[1,"m","here"]\n[2,"z","?"]\n[4,"o","x"]\n# comment\n\n[1,"x","0"]\n')!
  t.deepEqual(delaysMs(result), [7000])
  t.like(result.ending, { exitCode: 0, runTimeNs: 8_000_000_000n })
  t.regex(result.ending.detail, /unknown kinds, left out: 1/)
})

test('times that no clock gives, and lines that are no events, are gaps with a place; what follows is read', (t) => {
  const bad = [
    '[-1,"o","a"]',
    '[1e999,"o","a"]',
    '[NaN,"o","a"]',
    '["1","o","a"]',
    '[1e18,"o","a"]',
    '{}',
    'null',
    '[1,"o"]',
  ]
  const result = read(head2, `${bad.join('\n')}\n[1,"r","0x0"]\n[2,"o","fine"]\n[1,"o","!"]\n`)!
  t.is(bytesIn(result.frames, Stream.TTYOUT).toString(), 'fine!')
  t.deepEqual(delaysMs(result), [2000, 0])
  t.is(result.gaps.length, 9)
  t.is(result.gaps[0], 'line 2 has a time that is none')
  t.regex(result.ending.detail, /places that could not be read: 9/)
})

test('a file that was cut off is truncated, whatever the version', (t) => {
  for (const whole of [v1, v2, v3]) {
    const result = read(whole.subarray(0, whole.length - 6))!
    t.is(result.ending.reason, 'truncated')
    t.true(result.frames.length > 0)
  }
})

test('invalid UTF-8 and halves of surrogate pairs become U+FFFD, and are counted', (t) => {
  const result = read(
    head2,
    Buffer.from([...Buffer.from('[0.001,"o","a'), 0xff, ...Buffer.from('"]\n[0.002,"i","\\ud800"]\n')]),
  )!
  t.is(bytesIn(result.frames, Stream.TTYOUT).toString(), 'a\ufffd')
  t.is(bytesIn(result.frames, Stream.TTYIN).toString(), '\ufffd')
  t.regex(result.ending.detail, /became: 2, the first at 1 ms/)
})

test('a line or a document beyond the limits is refused, and does not grow in memory', (t) => {
  const piece = Buffer.alloc(1024 * 1024, 'x')
  const long = read(head2, '[1,"o","', ...Array.from({ length: 17 }, () => piece), '"]\n[2,"o","y"]\n')!
  t.is(bytesIn(long.frames, Stream.TTYOUT).toString(), 'y')
  t.deepEqual(long.gaps, ['line 2 is too long'])
  t.is(read('{"version":1,"title":"', piece, piece, '"}'), null)
  t.is(read(`{"version":1,"x":${'['.repeat(100_000)}`), null)
  const headless = [
    '',
    '\n',
    '[]',
    'null',
    '{"version":4}\n',
    '{"version":2',
    'hello',
    '{"version":1,"stdout":[5]}',
    '}',
  ]
  for (const none of headless) t.is(read(none), null, none)
})

test('a hundred bad lines have their place marked; a million are counted', (t) => {
  const result = read(head2, 'bad\n'.repeat(100_000))!
  t.is(result.gaps.length, 100)
  t.regex(result.ending.detail, /could not be read: 100000/)
})

const pieces = [
  '1e999',
  '-1',
  '[',
  ']',
  '{',
  '}',
  '"',
  '\\',
  '\\u',
  '\n',
  '"stdout": [',
  '\xff',
  '0x0',
  '99999x99999',
  ',,',
  '[[[[',
  '#',
]
test(`${inputs} mutated files of all versions: nothing throws or hangs, in whatever pieces they come`, (t) => {
  const seed = fuzzSeed(t.log)
  const { input, chunksOf, below } = createMutations([v1, v2, v3], pieces, seed)
  let sound = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    const whole = parseAll(createAsciicastParser(), [bytes])
    if (whole !== null) sound++
    const again = () => parseAll(createAsciicastParser(), chunksOf(bytes))
    if (below(16) === 0 && described(whole) !== described(again()))
      t.fail(`seed ${seed}, input ${n}: ${bytes.toString('base64')}`)
  }
  t.true(sound > inputs / 10, `only ${sound}`)
})
