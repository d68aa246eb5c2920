import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { everySample, numbered, sampleEvent } from '../samples.ts'
import { startReceiver } from './receiver.ts'
import { sendAll, syslogSink } from './sending.ts'

/** What users may type, as a command; NUL is not among them: parsers written in C end a text there. */
const hostile = [
  'echo "quoted" | grep = \\ ] [bartizan@32473 seq="9"]',
  'two\nlines\r\nand a\ttab',
  '\u001b[31mred\u0007\u007f\u0085\u2028end',
  'CEF:0|a|b|c|d|e|10|src=10.0.0.1 suser=root\nsrc=10.0.0.2',
  '<0>1 2026-01-01T00:00:00Z h a - - - a message in a message',
  'Grüße 😀 \u202eleft',
  '100 <86>1 counted',
]
/** As CEF and LEEF show what they cannot carry. */
const pictured = (text: string): string =>
  text
    .replaceAll('\t', '␉')
    .replaceAll('\u001b', '␛')
    .replaceAll('\u0007', '␇')
    .replaceAll('\u007f', '␡')
    .replace(/[\u0085\u2028]/g, '\ufffd')
const events = hostile.map((line, n) => numbered(sampleEvent('command', { line, argv: [line], user: line }), n + 1))

realTest(test, ['rsyslogd'], "rsyslog's mmjsonparse reads ECS with every hostile text as it was", async (t) => {
  const extra = `module(load="mmjsonparse")
template(name="json" type="list") { property(name="$!all-json") constant(value="\\n") }
action(type="mmjsonparse" cookie="")
action(type="omfile" file="@FOLDER@/json" template="json")`
  const receiver = await startReceiver(t, 'rsyslogd', { transport: 'tcp', extra })
  const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp' })
  await sendAll(sink, events)
  await sink.close()
  await until(async () => (await receiver.lines('json')).length >= events.length, { limitMs: 30_000 })
  const read = (await receiver.lines('json')).map((line) => JSON.parse(line))
  t.deepEqual(
    read.map(({ process }) => process.command_line),
    hostile,
  )
  t.deepEqual(
    read.map(({ process }) => process.args[0]),
    hostile,
  )
  t.deepEqual(
    read.map(({ user }) => user.name),
    hostile,
  )
})

realTest(test, ['rsyslogd'], 'rsyslog hands on header, structured data and message of every sample', async (t) => {
  const extra = `template(name="fields" type="string"
  string="%hostname%|%app-name%|%procid%|%msgid%|%syslogfacility-text%|%timereported:::date-rfc3339%|%structured-data%\\n")
action(type="omfile" file="@FOLDER@/fields" template="fields")`
  const receiver = await startReceiver(t, 'rsyslogd', { transport: 'tcp', extra })
  const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp', format: 'ocsf' })
  await sendAll(sink, everySample)
  await sink.close()
  await until(async () => (await receiver.lines('fields')).length >= everySample.length, { limitMs: 30_000 })
  const [first] = await receiver.lines('fields')
  t.is(
    first,
    `b1.example.org|bartizan|-|login|authpriv|2026-03-04T05:06:07.089Z|[bartizan@32473 type="event" seq="1" id="${sampleEvent('login').id}"]`,
  )
  const messages = (await receiver.lines()).map((line) => JSON.parse(line))
  t.deepEqual(
    messages.map(({ metadata }) => metadata.sequence),
    everySample.map(({ seq }) => seq),
  )
})

// liblognorm 2.0.6 swallows the first letter of the first key ("rt" becomes "t"), whatever the key.
realTest(
  test,
  ['rsyslogd'],
  "rsyslog's CEF parser reads every hostile text, with pictures for control characters",
  async (t) => {
    const rules = join(await temporaryFolder(t), 'cef.rulebase')
    writeFileSync(rules, 'version=2\nrule=:%cef:cef%\n')
    const extra = `module(load="mmnormalize")
template(name="cef" type="list") { property(name="$!all-json") constant(value="\\n") }
action(type="mmnormalize" ruleBase="${rules}")
action(type="omfile" file="@FOLDER@/cef" template="cef")`
    const receiver = await startReceiver(t, 'rsyslogd', { transport: 'tcp', extra })
    const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp', format: 'cef' })
    await sendAll(sink, [...events, ...everySample])
    await sink.close()
    const count = events.length + everySample.length
    await until(async () => (await receiver.lines('cef')).length >= count, { limitMs: 30_000 })
    const read = (await receiver.lines('cef')).map((line) => JSON.parse(line).cef)
    t.deepEqual(
      read.slice(0, hostile.length).map(({ Extensions }) => Extensions.cs2),
      hostile.map(pictured),
    )
    t.deepEqual(
      read.slice(0, hostile.length).map(({ Extensions }) => Extensions.suser),
      hostile.map(pictured),
    )
    t.true(read.every(({ DeviceVendor, Extensions }) => DeviceVendor === 'Bartizan' && Extensions.src !== '10.0.0.1'))
    t.is(read[0].Extensions.t, String(Date.parse('2026-03-04T05:06:07.089Z')))
  },
)

realTest(test, ['syslog-ng'], "syslog-ng's JSON parser reads ECS with every hostile text as it was", async (t) => {
  const extra = '$(format-json --scope none --key .json.* --rekey .json.* --shift 6)'
  const receiver = await startReceiver(t, 'syslog-ng', { transport: 'tcp', extra })
  const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp' })
  await sendAll(sink, events)
  await sink.close()
  await until(async () => (await receiver.lines()).length >= events.length, { limitMs: 30_000 })
  const read = (await receiver.lines()).map((line) => JSON.parse(line))
  t.deepEqual(
    read.map(({ process }) => process.command_line),
    hostile,
  )
  t.deepEqual(
    read.map(({ user }) => user.name),
    hostile,
  )
})

// Its parser of pairs takes " name=" within a value for another pair, whatever parts them.
realTest(
  test,
  ['syslog-ng'],
  "syslog-ng's parsers of columns and pairs read LEEF back, where no value has an equals sign",
  async (t) => {
    const columns = ['leef', 'vendor', 'product', 'version', 'id', 'delimiter', 'fields'].map((name) => `".c.${name}"`)
    const parsers = `csv-parser(columns(${columns.join(', ')}) delimiters("|") quote-pairs("") flags(greedy));
  kv-parser(prefix(".kv.") pair-separator("\t") template("\${.c.fields}"));`
    const extra = '$(format-json --scope none --key .c.* --key .kv.*)'
    const receiver = await startReceiver(t, 'syslog-ng', { transport: 'tcp', extra, parsers })
    const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp', format: 'leef' })
    const plain = hostile.filter((line) => !line.includes('='))
    await sendAll(
      sink,
      plain.map((line, n) => numbered(sampleEvent('command', { line, argv: [line], user: line }), n + 1)),
    )
    await sink.close()
    await until(async () => (await receiver.lines()).length >= plain.length, { limitMs: 30_000 })
    const read = (await receiver.lines()).map((line) => JSON.parse(line))
    for (const { _c: header } of read)
      t.like(header, { leef: 'LEEF:2.0', vendor: 'Bartizan', version: '1.2.3', id: 'command', delimiter: 'x09' })
    t.deepEqual(
      read.map(({ _kv: fields }) => fields.line),
      plain.map((line) => pictured(line).replaceAll('\n', '␊').replaceAll('\r', '␍')),
    )
    t.true(read.every(({ _kv: { line, usrName, src } }) => usrName === line && src === '203.0.113.7'))
  },
)

for (const format of ['ecs', 'ocsf', 'cef', 'leef'])
  realTest(
    test,
    ['syslog-ng'],
    `a NUL in a ${format} message ends neither the message nor the frame in syslog-ng`,
    async (t) => {
      const receiver = await startReceiver(t, 'syslog-ng', { transport: 'tcp', extra: '$MSGID $MSG' })
      const sink = await syslogSink(t, { port: receiver.port, transport: 'tcp', format })
      await sendAll(sink, [
        numbered(sampleEvent('command', { line: 'before\0after' }), 1),
        numbered(sampleEvent('login'), 2),
      ])
      await sink.close()
      await until(async () => (await receiver.lines()).length >= 2, { limitMs: 30_000 })
      const [command, login] = await receiver.lines()
      t.regex(command!, /^command .*before(\\u0000|␀)after/)
      t.true(login!.startsWith('login '))
    },
  )
