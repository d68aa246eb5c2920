import test from 'ava'
import parse from 'nsyslog-parser'
import { cef } from '#services/sinks/formats/cef.ts'
import { about, everySample, numbered, sampleAlert, sampleEvent } from '../samples.ts'

const of = (...event: Parameters<typeof sampleEvent>) => cef(numbered(sampleEvent(...event), 7), about)
const fieldOf = (line: string, key: string) => new RegExp(` ${key}=(.*?)(?= [A-Za-z0-9]+=|$)`).exec(line)?.[1]

test('the header has the seven fields', (t) => {
  t.true(of('login').startsWith('CEF:0|Bartizan|Bartizan|1.2.3|login|Login|1|rt=1772600767089 '))
  const alert = cef({ seq: 1, item: { type: 'alert', alert: sampleAlert } }, about)
  t.regex(
    alert,
    /^CEF:0\|Bartizan\|Bartizan\|1\.2\.3\|auth-success-after-failures\|Somebody got in after failed attempts\|8\|/,
  )
})

test('a bar and a backslash are escaped in the header, and a bar is left alone in the extension', (t) => {
  const line = cef(numbered(sampleEvent('command', { line: 'a|b\\c' })), { ...about, version: '1|2\\3' })
  t.true(line.startsWith('CEF:0|Bartizan|Bartizan|1\\|2\\\\3|command|'))
  t.is(fieldOf(line, 'cs2'), 'a|b\\\\c')
})

test('an equals sign, a backslash and line ends are escaped in the extension', (t) => {
  t.is(fieldOf(of('command', { line: 'x=1\\\ny\rz' }), 'cs2'), 'x\\=1\\\\\\ny\\rz')
})

test('a user name cannot add a key', (t) => {
  const line = of('login_failed', { user: 'eve src=10.0.0.1 outcome=success' })
  t.is(fieldOf(line, 'suser'), 'eve src\\=10.0.0.1 outcome\\=success')
  t.is(fieldOf(line, 'src'), '203.0.113.7')
})

test('other control characters are shown by their pictures', (t) => {
  t.is(fieldOf(of('command', { line: 'a\0b\tc\u001b[31m\u007f\u0085' }), 'cs2'), 'a␀b␉c␛[31m␡\ufffd')
})

test('an IPv6 address and a host name have keys of their own', (t) => {
  t.is(fieldOf(of('login', { sourceIp: '2001:db8::7' }), 'c6a2'), '2001:db8::7')
  t.is(fieldOf(of('login', { sourceIp: 'laptop.example.org' }), 'shost'), 'laptop.example.org')
  t.is(fieldOf(of('login', { sourceIp: '2001:db8::7' }), 'src'), undefined)
})

test('values are no longer than the dictionary allows, and what was cut says so', (t) => {
  const line = of('file_transfer', { path: `/${'p'.repeat(4000)}` })
  t.is(fieldOf(line, 'filePath'), `/${'p'.repeat(990)}…[+3010 characters]`)
  t.is(fieldOf(of('login', { id: 'i'.repeat(100) }), 'externalId'), 'i'.repeat(40))
  t.is(fieldOf(of('login', { id: 'i'.repeat(100) }), 'cs6'), 'i'.repeat(100))
})

test('severities go up with those of the alerts, within 0 to 10', (t) => {
  const severities = (['info', 'low', 'medium', 'high', 'critical'] as const).map((severity) =>
    Number(cef({ seq: 1, item: { type: 'alert', alert: { ...sampleAlert, severity } } }, about).split('|')[6]),
  )
  t.deepEqual(severities, [1, 3, 5, 8, 10])
})

test('a custom field always has a label', (t) => {
  for (const sample of everySample)
    for (const [, key] of cef(sample, about).matchAll(/ ((?:cs|cn|c6a|flexString)\d)=/g))
      t.truthy(fieldOf(cef(sample, about), `${key}Label`), key)
})

// nsyslog-parser 0.10.1 ends a value at its first equals sign, escaped or not, and undoes no escapes.
test('nsyslog-parser reads every sample back, where no value has an escape', (t) => {
  for (const sample of everySample) {
    const line = cef(sample, about)
    const { cef: header, fields, type } = parse(line)
    t.is(type, 'CEF')
    t.like(header, { version: 'CEF:0', deviceVendor: 'Bartizan', deviceVersion: '1.2.3' })
    t.is(fields.cn1, String(sample.seq))
    const { item } = sample
    if (item.type === 'event') t.is(fields.suser, item.event.user ?? undefined)
    if (item.type === 'event') t.is(fields.src, item.event.sourceIp ?? undefined)
    if (item.type === 'event') t.is(fields.cat, item.event.kind)
  }
})
