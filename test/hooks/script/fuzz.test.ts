import { readFileSync } from 'node:fs'
import test from 'ava'
import { createMessageLines, FromAgent, FromClient } from '#hooks/script/control.ts'
import { createTypescript, type Step } from '#hooks/script/typescript.ts'
import { hasCode } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createMutations, fuzzSeed, jsonPieces } from '#test/helpers/mutated-bytes.ts'

const inputs = 100_000
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/script/${name}`, import.meta.url))
const [log, timing] = [fixture('log.io'), fixture('log.timing')]

/** Whether it was taken; anything thrown but the parser's own refusal is a bug. */
const isTaken = (run: () => void): boolean => {
  try {
    run()
    return true
  } catch (error) {
    if (hasCode(error, 'BTZ_SCRIPT_FORMAT')) return false
    throw error
  }
}

const timingPieces = [
  '-1',
  '9'.repeat(9),
  '65536',
  '65537',
  ' ',
  '\n',
  '.',
  'S 0.000000 SIGWINCH ROWS=0 COLS=65535\n',
  '\0',
]

test(`${inputs} mutated timing logs of a real script: read or refused by name, and no byte more than came`, (t) => {
  const seed = fuzzSeed(t.log)
  const lines = timing.toString('latin1').split(/(?<=\n)/)
  const corpus = lines.map((_, at) => Buffer.from(lines.slice(at, at + 6).join(''), 'latin1'))
  const { input, below } = createMutations(corpus, timingPieces, seed)
  let taken = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    const typescript = createTypescript()
    const at = below(bytes.length + 1)
    const steps: Step[] = []
    const isRead = isTaken(() => {
      steps.push(...typescript.timing(bytes.subarray(0, at)), ...typescript.data(log))
      steps.push(...typescript.timing(bytes.subarray(at)))
    })
    if (isRead) taken++
    const given = steps.flatMap((step) =>
      step.do === 'frame' && step.frame.stream !== Stream.RESIZE ? [step.frame.data.length] : [],
    )
    const givenBytes = given.reduce((sum, length) => sum + length, 0)
    if (givenBytes + typescript.unclaimedBytes > log.length) return t.fail(`seed ${seed}, input ${n}`)
  }
  t.log(`${taken} read`)
  t.true(taken > inputs / 100 && taken < inputs)
})

const said = [
  {
    type: 'open',
    argv: ['ssh', 'db-1'],
    cwd: '/root',
    tty: '/dev/pts/1',
    rows: 24,
    cols: 80,
    env: { TERM: 'x' },
    client: 'c',
  },
  { type: 'opened' },
  { type: 'started', pid: 4711 },
]
const answered = [
  { type: 'fifos', data: '/run/a', timing: '/run/b' },
  { type: 'recording', sessionId: '01900000-0000-7000-8000-000000000000' },
  { type: 'refused', text: 'no room' },
  { type: 'ended' },
]
const lineOf = (message: object) => Buffer.from(`${JSON.stringify(message)}\n`)
test(`${inputs} mutated control messages of either side: each is one of the schema or ends the connection by name`, (t) => {
  const seed = fuzzSeed(t.log)
  const corpus = [...said, ...answered].map(lineOf)
  const { input, chunksOf } = createMutations([...corpus, Buffer.concat(corpus)], jsonPieces, seed)
  const counts = { taken: 0, refused: 0 }
  for (let n = 0; n < inputs; n++) {
    const schema = n % 2 === 0 ? FromClient : FromAgent
    const push = createMessageLines<unknown>(schema, (message) => {
      counts.taken++
      if (n % 50 === 0 && !schema.safeParse(message).success) t.fail(`seed ${seed}, input ${n}`)
    })
    const chunks = chunksOf(input())
    if (!isTaken(() => chunks.forEach((chunk) => void push(chunk.toString())))) counts.refused++
  }
  t.log(JSON.stringify(counts))
  t.true(counts.taken > inputs / 10 && counts.refused > inputs / 10)
})

const hostile: [string, string][] = [
  ['depth', `${'['.repeat(200_000)}\n`],
  ['no end', 'x'.repeat(1024 * 1024 + 1)],
  ['an argument of a megabyte', `${JSON.stringify({ ...said[0], argv: ['x'.repeat(129 * 1024)] })}\n`],
  ['five thousand arguments', `${JSON.stringify({ ...said[0], argv: Array.from({ length: 5_000 }, () => 'x') })}\n`],
  ['no arguments', `${JSON.stringify({ ...said[0], argv: [] })}\n`],
  ['a window below zero', `${JSON.stringify({ ...said[0], rows: -1 })}\n`],
  ['a window beyond all', `${JSON.stringify({ ...said[0], cols: 65_536 })}\n`],
  ['half a row', `${JSON.stringify({ ...said[0], rows: 0.5 })}\n`],
  ['a process below zero', '{"type":"started","pid":-1}\n'],
  ['a huge process', '{"type":"started","pid":1e400}\n'],
  ['a field to come', '{"type":"opened","more":1}\n'],
  ['a type to come', '{"type":"close"}\n'],
  ['an environment as a list', `${JSON.stringify({ ...said[0], env: ['a=b'] })}\n`],
  ['nothing', '\n'],
  ['null', 'null\n'],
]
for (const [what, text] of hostile)
  test(`a control message is refused by name: ${what}`, (t) => {
    const push = createMessageLines(FromClient, () => t.fail())
    t.throws(() => push(text), { code: 'BTZ_SCRIPT_FORMAT' })
  })
