import { gzipSync, zstdCompressSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { decodeBatches, undecodableHeader } from '#services/bus/kafka-record-batch.ts'
import { textOf } from '#test/contract/bus-place.ts'

const at = { topic: 'session-events', partition: 3 } as const
const limitBytes = 64 * 1024

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
const sized = (content: Buffer | null): Buffer =>
  content === null ? varint(-1) : Buffer.concat([varint(content.length), content])
const text = (value: string): Buffer => sized(Buffer.from(value))

type Wire = { key: string | null; value: string | null; headers?: [string, string | null][] }
const encodeRecord = ({ key, value, headers = [] }: Wire, delta: number): Buffer =>
  sized(
    Buffer.concat([
      Buffer.from([0]),
      varint(5 * delta), // ms
      varint(delta),
      key === null ? varint(-1) : text(key),
      value === null ? varint(-1) : text(value),
      varint(headers.length),
      ...headers.flatMap(([name, content]) => [text(name), content === null ? varint(-1) : text(content)]),
    ]),
  )

type Head = { baseOffset?: number; attributes?: number; count?: number; magic?: number; lastDelta?: number }
const batchOf = (content: Buffer, count: number, head: Head = {}): Buffer => {
  const batch = Buffer.alloc(61 + content.length)
  batch.writeBigInt64BE(BigInt(head.baseOffset ?? 0), 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt8(head.magic ?? 2, 16)
  batch.writeInt16BE(head.attributes ?? 0, 21)
  batch.writeInt32BE(head.lastDelta ?? count - 1, 23)
  batch.writeBigInt64BE(1_000n, 27)
  batch.writeBigInt64BE(9_000n, 35)
  batch.writeInt32BE(head.count ?? count, 57)
  content.copy(batch, 61)
  return batch
}
const recordsOf = (records: Wire[]): Buffer => Buffer.concat(records.map(encodeRecord))
const three: Wire[] = ['a', 'b', 'c'].map((value) => ({ key: 'k', value }))
const decode = (content: Buffer, from = 0) => decodeBatches(content, at, from, limitBytes)

test('records come with their place, and from the wanted offset on, whatever the compression', async (t) => {
  const plain = recordsOf([
    ...three,
    {
      key: null,
      value: null,
      headers: [
        ['h', 'ü'],
        ['__proto__', null],
      ],
    },
  ])
  const batches = [plain, gzipSync(plain), zstdCompressSync(plain)].map((content, n) =>
    batchOf(content, 4, { baseOffset: 10 * n, attributes: [0, 1, 4][n]! }),
  )
  const { records, nextOffset } = await decode(Buffer.concat(batches), 2)
  t.is(nextOffset, 24)
  t.deepEqual(
    records.map(({ offset }) => offset),
    [2, 3, 10, 11, 12, 13, 20, 21, 22, 23],
  )
  t.like(records[0], { ...at, key: 'k', timestampMs: 1_010 })
  t.is(textOf(records[0]!), 'c')
  t.deepEqual(Object.entries(records[1]!.headers), [
    ['h', 'ü'],
    ['__proto__', ''],
  ])
  t.like(records[1], { key: '', timestampMs: 1_015 })
})

test("append time is the broker's, for every record of the batch", async (t) => {
  const { records } = await decode(batchOf(recordsOf(three), 3, { attributes: 0x08 }))
  t.deepEqual(
    records.map(({ timestampMs }) => timestampMs),
    [9_000, 9_000, 9_000],
  )
})

test('a batch that is cut off comes with the next answer; control batches hold nothing for us', async (t) => {
  const whole = batchOf(recordsOf(three), 3)
  const control = batchOf(recordsOf(three.slice(0, 1)), 1, { baseOffset: 3, attributes: 0x20 })
  const { records, nextOffset } = await decode(Buffer.concat([whole, control, whole.subarray(0, -1)]))
  t.is(records.length, 3)
  t.is(nextOffset, 4)
  t.deepEqual(await decode(whole.subarray(0, 40)), { records: [], nextOffset: null })
})

const bomb = Buffer.alloc(64 * 1024 * 1024)
const manyHeaders = Array.from({ length: 2_000 }, (): [string, string] => ['', ''])
const hostile: [string, Buffer][] = [
  ['a gzip bomb', batchOf(gzipSync(bomb), 3, { attributes: 1 })],
  ['a zstd bomb', batchOf(zstdCompressSync(bomb), 3, { attributes: 4 })],
  ['a compression that is not known here', batchOf(recordsOf(three), 3, { attributes: 2 })],
  ['an older format', batchOf(recordsOf(three), 3, { magic: 1 })],
  ['more records than there are', batchOf(recordsOf(three), 3, { count: 2_000_000_000 })],
  ['a record beyond the end of the batch', batchOf(recordsOf(three), 3, { lastDelta: 1 })],
  ['too many headers', batchOf(recordsOf([{ key: 'k', value: 'v', headers: manyHeaders }]), 1)],
]
for (const [what, batch] of hostile) {
  test(`${what}: one record stands for the batch, and what follows is read`, async (t) => {
    const after = batchOf(recordsOf(three.slice(0, 1)), 1, { baseOffset: 50 })
    const { records, nextOffset } = await decode(Buffer.concat([batch, after]))
    t.is(nextOffset, 51)
    t.is(records.length, 2)
    t.truthy(records[0]!.headers[undecodableHeader])
    t.true(records[0]!.value.length <= limitBytes)
    t.deepEqual(Buffer.from(records[0]!.value), batch.subarray(0, records[0]!.value.length))
    t.like(records[1], { offset: 50, key: 'k' })
  })
}

test('whatever bytes come: a batch is read, stands for itself, or is told as damage', async (t) => {
  const valid = batchOf(zstdCompressSync(recordsOf(three)), 3, { attributes: 4, baseOffset: 7 })
  const anywhere = fc.record({ position: fc.nat(valid.length - 1), byte: fc.nat(255) })
  await fc.assert(
    fc.asyncProperty(fc.array(anywhere, { maxLength: 6 }), async (changes) => {
      const changed = Buffer.from(valid)
      for (const { position, byte } of changes) changed[position] = byte
      try {
        const { records, nextOffset } = await decode(changed, 7)
        t.true(records.every(({ offset }) => offset >= 7 && offset < nextOffset!))
        t.true(nextOffset === null || Number.isSafeInteger(nextOffset))
      } catch (error) {
        t.is((error as { code: string }).code, 'BTZ_BUS_CORRUPT')
      }
    }),
    { numRuns: 2_000 },
  )
})
