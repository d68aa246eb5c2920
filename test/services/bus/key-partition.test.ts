import test from 'ava'
import { murmur2, partitionOfKey } from '#services/bus/key-partition.ts'

test('murmur2 gives the values of Kafka’s own test (UtilsTest.testMurmur2)', (t) => {
  const expected: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [key, hash] of expected) t.is(murmur2(Buffer.from(key)), hash, key)
})

test('bytes above 127 are not negative, and a view into a larger buffer is hashed alone', (t) => {
  const bytes = Buffer.from('xx\u{1f600}é')
  t.is(murmur2(bytes.subarray(2)), murmur2(new Uint8Array(Buffer.from('\u{1f600}é'))))
})

test('keys spread over all partitions', (t) => {
  const counts = new Map<number, number>()
  for (let n = 0; n < 8000; n++) {
    const partition = partitionOfKey(`session-${n}`, 8)
    counts.set(partition, (counts.get(partition) ?? 0) + 1)
  }
  t.is(counts.size, 8)
  for (const [partition, count] of counts) t.true(partition >= 0 && partition < 8 && count > 800 && count < 1200)
})
