import { spawnSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { formats } from '#services/sinks/formats/formats.ts'
import { rfc5424 } from '#services/sinks/formats/rfc5424.ts'
import { realTest } from '#test/helpers/real.ts'
import { about, everySample, numbered, sampleAlert, sampleEvent } from '../samples.ts'

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31)
const runs = { seed, numRuns: 150 }
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }), // any code point
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }).map((codes) => String.fromCharCode(...codes)), // lone surrogates too
  fc.string({
    unit: fc.constantFrom('\0', '\n', '\r', '\t', '|', '\\', '=', ']', '"', ' ', '<', '\u2028', 'a'),
    maxLength: 60,
  }),
)
const items = fc
  .record({
    line: text,
    user: text.map((name) => name.slice(0, 256)),
    argv: fc.array(text, { maxLength: 5 }),
    extra: text,
  })
  .map((fields) => numbered(sampleEvent('command', fields)))

const inText = (line: string) => line.replaceAll('\t', '')
for (const [name, format] of Object.entries(formats))
  test(`no text in an event puts a control character into ${name} (seed ${seed})`, (t) => {
    const inEnvelope = rfc5424(format, { byteOrderMark: false })
    t.notThrows(() =>
      fc.assert(
        fc.property(items, (item) => {
          const line = inEnvelope(item, about)
          return line.isWellFormed() && !/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(name === 'leef' ? inText(line) : line)
        }),
        runs,
      ),
    )
  })

test(`JSON gives every text back, but for halves of surrogate pairs (seed ${seed})`, (t) => {
  fc.assert(
    fc.property(items, (sent) => {
      if (sent.item.type !== 'event' || sent.item.event.kind !== 'command') return false
      const { line, user, argv } = sent.item.event
      const { process, user: read } = JSON.parse(formats.ecs(sent, about))
      t.is(process.command_line ?? '', line.toWellFormed())
      t.is(read?.name ?? '', user?.toWellFormed())
      t.deepEqual(
        process.args ?? [],
        argv.map((word) => word.toWellFormed()),
      )
      return true
    }),
    runs,
  )
})

test(`an alert's texts are no danger either (seed ${seed})`, (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(text, text, (title, explanation) => {
        const alert = { ...sampleAlert, title, explanation, user: title.slice(0, 256) }
        for (const format of Object.values(formats)) {
          const line = format({ seq: 1, item: { type: 'alert', alert } }, about)
          if (/[\0-\x08\x0a-\x1f]/.test(line) || !line.isWellFormed()) return false
        }
        return true
      }),
      runs,
    ),
  )
})

/** Python's own reading of lines and of JSON, printed again. */
const inPython = (lines: string): string[] => {
  const program = 'import sys,json\nfor line in sys.stdin: print(json.dumps(json.loads(line)))'
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: lines,
    env: { PYTHONIOENCODING: 'utf-8' },
    maxBuffer: 1e8,
  })
  return stdout.toString().trimEnd().split('\n')
}
realTest(test, ['python3'], `Python reads lines of ECS and OCSF as we wrote them (seed ${seed})`, (t) => {
  const hostile = fc.sample(items, { seed, numRuns: 300 })
  for (const format of [formats.ecs, formats.ocsf]) {
    const lines = [...everySample, ...hostile].map((item) => format(item, about))
    t.deepEqual(
      inPython(`${lines.join('\n')}\n`).map((line) => JSON.parse(line)),
      lines.map((line) => JSON.parse(line)),
    )
  }
})
