import test from 'ava'
import parse from 'nsyslog-parser'
import { formats } from '#services/sinks/formats/formats.ts'
import { rfc5424 } from '#services/sinks/formats/rfc5424.ts'
import { about, everySample, numbered, sampleAlert, sampleEvent } from '../samples.ts'

const plain = rfc5424(() => 'content', { byteOrderMark: false })

test('an event has facility authpriv, the time it happened, its bastion and its kind', (t) => {
  t.is(
    plain(numbered(sampleEvent('login', { id: 'an-event-id' }), 12), about),
    '<86>1 2026-03-04T05:06:07.089Z b1.example.org bartizan - login [bartizan@32473 type="event" seq="12" id="an-event-id"] content',
  )
})

test('an alert has facility local0, its rule, and the host where no bastion is known', (t) => {
  const alert = { ...sampleAlert, bastion: null, triage: null, severity: 'critical' as const }
  t.is(
    plain({ seq: 1, item: { type: 'alert', alert } }, about),
    `<130>1 2026-03-04T05:06:07.089Z audit.example.org bartizan - auth-success-after-failures [bartizan@32473 type="alert" seq="1" id="${alert.id}/3"] content`,
  )
})

test('a quote, a backslash and a bracket are escaped in structured data', (t) => {
  const line = plain(numbered(sampleEvent('login', { id: 'a"b\\c]d\ne] f' })), about)
  t.true(line.endsWith('id="a\\"b\\\\c\\]d␊e\\] f"] content'))
})

test('the header has nothing but printable ASCII, and no more of a second than RFC 5424 allows', (t) => {
  const line = plain(numbered(sampleEvent('login', { at: '2026-03-04T05:06:07.123456789Z' })), {
    ...about,
    host: 'ö x',
  })
  t.true(line.startsWith('<86>1 2026-03-04T05:06:07.123456Z b1.example.org '))
  const hostless = { ...sampleAlert, bastion: null }
  t.regex(plain({ seq: 1, item: { type: 'alert', alert: hostless } }, { ...about, host: 'ö x' }), /Z \?\?x bartizan /)
})

test('a byte order mark comes before the message where it is wanted', (t) => {
  const marked = rfc5424(() => 'content', { byteOrderMark: true })
  t.true(marked(everySample[0]!, about).endsWith('"] \ufeffcontent'))
})

for (const [name, format] of Object.entries(formats))
  test(`nsyslog-parser reads header, structured data and message of every sample in ${name}`, (t) => {
    for (const sample of everySample) {
      const { item } = sample
      // Without its parsing of fields, for which a message of any format is a list of key=value.
      const read = parse(rfc5424(format, { byteOrderMark: false })(sample, about), {
        cef: false,
        leef: false,
        fields: false,
      })
      t.like(read, { type: 'RFC5424', version: 1, appName: 'bartizan', message: format(sample, about) })
      t.is(read.facility, item.type === 'event' ? 'authpriv' : 'local0')
      t.is(read.messageid, item.type === 'event' ? item.event.kind : item.alert.rule)
      t.is(read.ts.toISOString(), '2026-03-04T05:06:07.089Z')
      t.like(read.structuredData[0], { $id: 'bartizan@32473', type: item.type, seq: String(sample.seq) })
    }
  })
