import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { framesOf } from '#hooks/tlog/frames.ts'
import { startedAtMs } from '#hooks/tlog/message.ts'
import { type Piece, piecesOf } from '#hooks/tlog/pieces.ts'
import { readLine } from '#hooks/tlog/read-line.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { bytes, lineOf, type MessageFields, messageOf, type Step } from './messages.ts'

const sample = await readFile(new URL('../../fixtures/tlog/tlog.jsonl', import.meta.url), 'utf8')

const messageIn = (line: string) => {
  const read = readLine(line)
  return read !== null && 'message' in read ? read.message : null
}
const pieces = (line: string): Piece[] | string => {
  const message = messageIn(line)
  return message === null ? 'refused' : piecesOf(message)
}
const joined = (of: readonly Piece[], stream: Stream): Buffer =>
  Buffer.concat(of.filter((piece) => piece.stream === stream).map(({ data }) => data))

test('what a real tlog-rec wrote is read to the byte, with its times and windows', (t) => {
  const found = pieces(sample.trim()) as Piece[]
  t.is(joined(found, Stream.TTYIN).toString(), 'echo héllo 世界; printf "\\377\\376\\n"\nsleep .5; exit 3\n')
  const out = joined(found, Stream.TTYOUT)
  t.true(out.includes(Buffer.from([0xff, 0xfe, 0x0d, 0x0a])))
  t.false(out.includes(Buffer.from('\ufffd')))
  const windows = found.filter(({ stream }) => stream === Stream.RESIZE)
  t.deepEqual(
    windows.map(({ atMs, data }) => [atMs, ...data]),
    [
      [0, 0, 24, 0, 80],
      [421, 0, 40, 0, 132],
    ],
  )
  t.is(found.at(-1)?.atMs, 1269)
  t.is(startedAtMs(messageIn(sample.trim())!), 1_795_217_394_563)
})

test('8,000 random bytes that a real tlog-rec split over many messages are read to the byte', async (t) => {
  const packed = await readFile(new URL('../../fixtures/tlog/tlog-random.jsonl.gz', import.meta.url))
  const lines = gunzipSync(packed).toString().trim().split('\n')
  t.true(lines.length > 10)
  const out = Buffer.concat(lines.map((each) => joined(pieces(each) as Piece[], Stream.TTYOUT)))
  t.is(hash('sha256', out), '4ec0d8d4c5a678e09d068243804257de0c57306b163bd371251785f7a4fcd25a')
})

test('frames add up to the times of tlog, and no two have the same', (t) => {
  const { frames, elapsedNs } = framesOf(pieces(sample.trim()) as Piece[], 0n)
  t.true(elapsedNs >= 1_269_000_000n && elapsedNs < 1_269_000_100n)
  t.true(frames.slice(1).every(({ delayNs }) => delayNs > 0n))
})

const steps: Step[] = [{ delayMs: 0, out: bytes('$ ') }]
const line = lineOf(steps)
const journal = (more: MessageFields): string =>
  JSON.stringify({
    __REALTIME_TIMESTAMP: '1',
    SYSLOG_IDENTIFIER: 'tlog-rec-session',
    _COMM: 'tlog-rec-sessio',
    _UID: '1001',
    MESSAGE: line,
    ...more,
  })

test('messages are found in a file, in syslog of either kind, in JSON of rsyslog, in the journal', (t) => {
  const forms = [
    line,
    `Nov 21 09:00:00 vm tlog-rec-session[12]: ${line}`,
    `<86>Nov  1 09:00:00 tlog-rec: ${line}`,
    `2026-11-21T09:00:00.123+00:00 vm tlog-rec-session: ${line}`,
    `<86>1 2026-11-21T09:00:00Z vm tlog-rec-session 12 - - ${line}`,
    JSON.stringify({ '@timestamp': 'x', host: 'vm', program: 'tlog-rec-session', procid: '12', msg: ` ${line}` }),
    journal({}),
    journal({ MESSAGE: [...Buffer.from(line)] }),
  ]
  for (const form of forms) t.is(messageIn(form)?.user, 'alice', form.slice(0, 60))
})

test('what others write that looks like a message is none', (t) => {
  t.deepEqual(readLine(journal({ _COMM: 'logger' })), { refused: 'the journal says that another program wrote it' })
  t.is(readLine(`Nov 21 09:00:00 vm mallory: tlog-rec: ${line}`), null)
  t.is(readLine(`Nov 21 09:00:00 vm sshd[1]: tlog-rec[2]: ${line}`), null)
  t.is(readLine(`<86>1 2026-11-21T09:00:00Z vm sshd 12 - - tlog-rec ${line}`), null)
  t.is(readLine('{"program":"sshd","msg":"x"}'), null)
})

const hostile: [string, MessageFields, RegExp][] = [
  ['a version to come', { ver: '3.0' }, /ver/],
  ['id 0', { id: 0 }, /id/],
  ['half an id', { id: 1.5 }, /id/],
  ['a place before the start', { pos: -1 }, /pos/],
  ['a place beyond all times', { pos: 1e300 }, /pos/],
  ['no user', { user: '' }, /user/],
  ['a recording of 300 characters', { rec: 'r'.repeat(300) }, /rec/],
  ['bytes over 255', { out_bin: [256] }, /out_bin/],
  ['bytes that are text', { in_bin: 'abc' }, /in_bin/],
  ['more characters than there are', { timing: '>3' }, /more than there is/],
  ['more bytes than there are', { timing: '>1]1/9' }, /more than there is/],
  ['less than there is', { timing: '>1' }, /less than there is/],
  ['no timing', { timing: '' }, /less than there is/],
  ['a timing of another kind', { timing: '>2!' }, /cannot be read/],
  ['a number that never ends', { timing: `+${'9'.repeat(60_000)}` }, /cannot be read/],
  ['many long waits', { timing: '+999999999999'.repeat(20) }, /beyond all times/],
  ['a window larger than any', { timing: '>2=99999x1' }, /more than there is/],
  ['half a character', { out_txt: '\ud800a' }, /half a character/],
  ['a message as text', { timing: ['>2'] }, /timing/],
]
for (const [what, more, reason] of hostile) {
  test(`refused with the reason: ${what}`, (t) => {
    const read = readLine(lineOf(steps, more))
    const said = read === null ? '' : 'refused' in read ? read.refused : piecesOf(read.message)
    t.regex(String(said), reason)
  })
}

test('what is cut, or no object, is refused and not thrown', (t) => {
  for (const text of [line.slice(0, -1), '{', '{"ver":', `Nov 21 09:00:00 vm tlog-rec: ${line.slice(0, 50)}`])
    t.deepEqual(readLine(text), { refused: 'not JSON, or cut' })
})

const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const inputs = 100_000

/** A terminal's life: text of all widths, invalid bytes, resizes, in and out mixed. */
const anySteps = (below: (count: number) => number): Step[] =>
  Array.from({ length: 1 + below(6) }, () => {
    const texts = ['ls\r', 'é', '世界', '😀', '\u0000', '\u001b[2J', '\ufffd', '"\\']
    const data = Buffer.concat([
      Buffer.from(texts[below(texts.length)]!),
      Buffer.from(Array.from({ length: below(4) }, () => below(256))),
    ])
    const delayMs = below(3) === 0 ? below(2000) : 0
    if (below(5) === 0) return { delayMs, rows: below(200), cols: below(200) }
    return below(2) === 0 ? { delayMs, in: data } : { delayMs, out: data }
  })

test(`${inputs} messages: what tlog could have written comes back to the byte, what it could not is refused`, (t) => {
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const outcomes = { wellFormed: 0, taken: 0, refused: 0 }
  for (let round = 0; round < inputs / 2; round++) {
    const wanted = anySteps(below)
    const text = JSON.stringify(messageOf(wanted))
    const found = pieces(text)
    if (typeof found === 'string') return t.fail(`${found}: ${text}`)
    for (const [way, stream] of [
      ['in', Stream.TTYIN],
      ['out', Stream.TTYOUT],
    ] as const) {
      const given = Buffer.concat(wanted.map((step) => step[way] ?? new Uint8Array()))
      if (Buffer.compare(given, joined(found, stream)) !== 0) return t.fail(text)
    }
    outcomes.wellFormed += 1
    const at = below(text.length)
    const broken = text.slice(0, at) + String.fromCharCode(below(0x2000)) + text.slice(at + below(3))
    const mutated = pieces(broken) // never throws; what it takes is bounded by the line
    if (typeof mutated !== 'string' && mutated.reduce((sum, { data }) => sum + data.byteLength, 0) > 4 * text.length)
      return t.fail(broken)
    outcomes[typeof mutated === 'string' ? 'refused' : 'taken'] += 1
  }
  t.log(JSON.stringify(outcomes))
  t.is(outcomes.wellFormed + outcomes.taken + outcomes.refused, inputs)
  t.true(outcomes.taken > 1_000 && outcomes.refused > 1_000, JSON.stringify(outcomes))
})

test(`${inputs} broken lines of a real tlog-rec: nothing throws, and what is taken is no more than the line`, (t) => {
  const fuzz = fuzzSeed(t.log)
  const texts = [sample.trim(), journal({}), `<86>1 2026-11-21T09:00:00Z vm tlog-rec-session 12 - - ${line}`]
  const parts = [
    '"',
    '\\',
    '{',
    '[',
    ']',
    ',',
    '+9',
    '<9',
    '>1',
    ']9/9',
    '=99999x9',
    '-1',
    '1e999',
    '\\ud800',
    '\xff',
    '\0',
    'null',
  ]
  const corpus = texts.map((text) => Buffer.from(text))
  const { input } = createMutations(corpus, parts, fuzz)
  let taken = 0
  for (let n = 0; n < inputs; n++) {
    const text = input().toString()
    const found = pieces(text)
    if (typeof found === 'string') continue
    taken++
    const sizeBytes = found.reduce((sum, { data }) => sum + data.byteLength, 0)
    if (sizeBytes > 4 * text.length + 4) return t.fail(`seed ${fuzz}, input ${n}`)
  }
  t.log(`${taken} taken`)
  t.true(taken > inputs / 100 && taken < inputs)
})
