import test from 'ava'
import parse from 'nsyslog-parser'
import { leef } from '#services/sinks/formats/leef.ts'
import { about, everySample, numbered, sampleAlert, sampleEvent } from '../samples.ts'

const fieldsOf = (line: string) =>
  Object.fromEntries(
    line
      .slice(line.indexOf('|x09|') + 5)
      .split('\t')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )

test('the header says that tabs part the fields', (t) => {
  const line = leef(numbered(sampleEvent('login')), about)
  t.true(line.startsWith('LEEF:2.0|Bartizan|Bartizan|1.2.3|login|x09|devTime=2026-03-04T05:06:07.089Z\t'))
})

test('QRadar finds who, from where, when and how bad', (t) => {
  t.like(fieldsOf(leef(numbered(sampleEvent('login_failed'), 5), about)), {
    devTimeFormat: "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    sev: '3',
    src: '203.0.113.7',
    srcPort: '50123',
    usrName: 'alice',
    identHostName: 'b1.example.org',
    cat: 'login_failed',
    reason: 'bad_password',
    sequence: '5',
  })
  const alert = fieldsOf(leef({ seq: 1, item: { type: 'alert', alert: sampleAlert } }, about))
  t.like(alert, { sev: '8', cat: 'alert', status: 'acknowledged', mitreTechnique: 'T1110' })
})

test('a value cannot add a field: tabs and line ends are shown by their pictures', (t) => {
  const line = leef(numbered(sampleEvent('command', { line: 'a\tsrc=10.0.0.1\nb|c=d' })), about)
  t.like(fieldsOf(line), { line: 'a␉src=10.0.0.1␊b|c=d', src: '203.0.113.7' })
})

test('a version cannot add a field to the header', (t) => {
  const line = leef(numbered(sampleEvent('login')), { ...about, version: '1|2' })
  t.true(line.startsWith('LEEF:2.0|Bartizan|Bartizan|1¦2|login|x09|'))
})

// nsyslog-parser 0.10.1 takes the delimiter as it stands and not in hex, and ends a value at its first equals sign.
test('nsyslog-parser reads every sample back, given the tab itself and values without an equals sign', (t) => {
  for (const sample of everySample) {
    const line = leef(sample, about)
    const { leef: header, fields, type } = parse(line.replace('|x09|', '|\t|'))
    t.is(type, 'LEEF')
    t.like(header, { leefVersion: 'LEEF:2.0', vendor: 'Bartizan', product: 'Bartizan', version: '1.2.3' })
    for (const [key, value] of Object.entries(fieldsOf(line))) if (!value.includes('=')) t.is(fields[key], value, key)
  }
})
