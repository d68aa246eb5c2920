import test from 'ava'
import fc from 'fast-check'
import { splitFrames } from '#services/bus/frame-scan.ts'
import { decodeRecord, encodeFrame, parseFrame, recordBytes, stampGroup } from '#services/bus/record-codec.ts'

const mark = Buffer.from('0123456789abcdef', 'hex')
const place = { mark, groupStart: 0, firstOffset: 5, timestampMs: 1_700_000_000_123 }
const records = fc.array(
  fc.record({
    topic: fc.constant('alerts' as const),
    key: fc.string({ unit: 'grapheme' }),
    headers: fc.dictionary(fc.string(), fc.string()),
    value: fc.uint8Array({ maxLength: 300 }),
  }),
  { minLength: 1, maxLength: 5 },
)

test('what is written is what is read', (t) => {
  const roundTrip = fc.property(records, (written) => {
    const bytes = Buffer.concat(stampGroup(written.map(encodeFrame), place).map(({ buffer }) => buffer))
    const split = splitFrames(bytes, mark, 5)
    t.is(split.usedBytes, bytes.length)
    const read = split.frames.map(decodeRecord)
    for (const [n, { key, headers, value }] of written.entries()) {
      t.is(read[n]!.key, key)
      t.deepEqual(Object.entries(read[n]!.headers).toSorted(), Object.entries(headers).toSorted())
      t.deepEqual(read[n]!.value, Buffer.from(value))
      t.like(read[n], { offset: 5 + n, timestampMs: place.timestampMs })
    }
  })
  t.notThrows(() => fc.assert(roundTrip))
})

test('any changed byte is noticed', (t) => {
  const bytes = encodeFrame({ topic: 'alerts', key: 'key', value: Buffer.from('value') })
  stampGroup([bytes], place)
  for (let position = 0; position < bytes.length; position++) {
    const damaged = Buffer.from(bytes)
    damaged[position]! ^= 1
    t.not(parseFrame(damaged, 0, mark).kind, 'frame', `byte ${position}`)
  }
})

test('hostile bytes after a right mark never throw and are never a record', (t) => {
  const hostile = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    t.not(parseFrame(Buffer.concat([mark, bytes]), 0, mark).kind, 'frame')
  })
  t.notThrows(() => fc.assert(hostile))
})

test('the size that counts against the limit is that of key, headers and value', (t) => {
  t.is(recordBytes({ topic: 'alerts', key: 'ä', value: new Uint8Array(10) }), 12)
  t.is(recordBytes({ topic: 'alerts', key: '', value: new Uint8Array(), headers: {} }), 0)
  t.is(recordBytes({ topic: 'alerts', key: '', value: new Uint8Array(), headers: { a: 'b' } }), '{"a":"b"}'.length)
})
