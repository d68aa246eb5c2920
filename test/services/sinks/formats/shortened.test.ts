import test from 'ava'
import { formats } from '#services/sinks/formats/formats.ts'
import { fitted } from '#services/sinks/formats/shortened.ts'
import type { Numbered } from '#services/sinks/sink.ts'
import { about, everySample, numbered, sampleEvent } from '../samples.ts'

const textOf = (...of: Parameters<typeof fitted>): string => {
  const result = fitted(...of)
  return 'text' in result ? result.text : ''
}
const megabyte = 'x'.repeat(1_000_000)
const huge = numbered(sampleEvent('command', { line: megabyte, argv: Array(4000).fill('y'.repeat(100)) }))

for (const [name, format] of Object.entries(formats)) {
  test(`what fits in ${name} is left alone`, (t) => {
    for (const sample of everySample) t.is(textOf(format, sample, about, 100_000), format(sample, about))
  })
  test(`a command line of 1 MB fits into 8,192 and 2,048 bytes of ${name}, with its id`, (t) => {
    for (const maxBytes of [8192, 2048]) {
      const text = textOf(format, huge, about, maxBytes)
      t.true(text.length > 500 && Buffer.byteLength(text) <= maxBytes)
      t.true(text.includes(sampleEvent('command').id))
      t.regex(text, /x…\[\+99\d{4} characters\]/)
    }
  })
}

test('shortened JSON is whole, and says how large the event was', (t) => {
  const { process, tags } = JSON.parse(textOf(formats.ecs, huge, about, 8192))
  t.deepEqual(tags, ['bartizan-shortened'])
  t.regex(process.args.at(-1), /^…\[\+39\d\d entries\]$/)
  const { metadata } = JSON.parse(textOf(formats.ocsf, huge, about, 8192))
  t.is(metadata.untruncated_size, Buffer.byteLength(formats.ocsf(huge, about)))
})

test('no pair of surrogates is cut in two', (t) => {
  for (const line of ['😀'.repeat(5000), `a${'😀'.repeat(5000)}`]) {
    const { process } = JSON.parse(textOf(formats.ecs, numbered(sampleEvent('command', { line })), about, 4096))
    t.regex(process.command_line, /^a?(😀)+…\[\+\d+ characters\]$/u)
  }
})

test('what cannot be shortened enough is refused with its size', (t) => {
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`unknown${n}`, '\u0000'.repeat(200)]))
  const item: Numbered = numbered(sampleEvent('login', unknown))
  const result = fitted(formats.ecs, item, about, 1500)
  t.regex('reason' in result ? result.reason : '', /^\d{7} bytes, and shortened still more than the 1500 /)
})

test('a detail that is nested without end neither throws nor gets out of hand', (t) => {
  let detail: Record<string, unknown> = {}
  for (let depth = 0; depth < 5000; depth++) detail = { inner: detail, text: 'z' }
  const event = { ...sampleEvent('posture'), detail } as ReturnType<typeof sampleEvent>
  for (const format of Object.values(formats)) {
    t.true(format(numbered(event), about).length < 10_000)
    t.true(textOf(format, numbered(event), about, 2048).length > 500)
  }
})
