import { randomBytes } from 'node:crypto'
import test from 'ava'
import {
  buildEventBlock,
  type EventToStore,
  parseEventFooter,
  readEvents,
} from '#services/recordings/format/event-block.ts'

const place = { busId: 'bus1', topic: 'session-events', partition: 3 }
const keys: Record<string, Uint8Array> = { 'session:a': randomBytes(32), 'bastion:b:2026-01-31': randomBytes(32) }
const event = (offset: number, keyId: string, text: string): EventToStore => ({
  offset,
  atMs: 1_700_000_000_000 + offset,
  keyId,
  key: keys[keyId]!,
  value: Buffer.from(text),
})
const events = () => [
  event(40, 'session:a', 'rm -rf of session a'),
  event(41, 'bastion:b:2026-01-31', 'login of someone'),
  event(44, 'session:a', 'x'.repeat(5_000)),
]
const read = async (block: Uint8Array, keyOf = async (id: string): Promise<Uint8Array | null> => keys[id] ?? null) => {
  const all = []
  for await (const { offset, value } of readEvents(block, keyOf))
    all.push([offset, value && Buffer.from(value).toString()])
  return all
}

test('every record comes back as it was', async (t) => {
  t.deepEqual(
    await read(buildEventBlock(place, events())),
    events().map(({ offset, value }) => [offset, Buffer.from(value).toString()]),
  )
})

test('the footer says in clear what is there, and no content', (t) => {
  const block = buildEventBlock(place, events())
  const info = parseEventFooter(block, block.byteLength)
  t.like(info, { ...place, firstOffset: 40, lastOffset: 44 })
  t.deepEqual(
    info.footer.records.map(({ offset }) => offset),
    [40n, 41n, 44n],
  )
  for (const word of ['rm -rf', 'login of', 'xxxx']) t.false(Buffer.from(block).includes(word))
})

test('destroying the key of a session erases its records and no other', async (t) => {
  const block = buildEventBlock(place, events())
  t.deepEqual(await read(block, async (id) => (id === 'session:a' ? null : keys[id]!)), [
    [40, null],
    [41, 'login of someone'],
    [44, null],
  ])
})

test('a record whose key is gone already keeps its place without content', async (t) => {
  const [first, second] = events()
  const block = buildEventBlock(place, [{ ...first!, key: null }, second!])
  t.deepEqual(await read(block), [
    [40, null],
    [41, 'login of someone'],
  ])
})

test('a changed byte anywhere in the records is found', async (t) => {
  const block = buildEventBlock(place, events())
  const { ciphertextBytes } = parseEventFooter(block, block.byteLength)
  for (let at = 0; at < ciphertextBytes; at += 7) {
    const damaged = Uint8Array.from(block)
    damaged[at]! ^= 1
    await t.throwsAsync(read(damaged), { code: 'BTZ_EVIDENCE_CORRUPT' })
  }
})

test('a cut block is refused', (t) => {
  const block = buildEventBlock(place, events())
  for (let size = 0; size < block.byteLength; size += 5)
    t.throws(() => parseEventFooter(block.subarray(0, size), size), { code: 'BTZ_EVIDENCE_CORRUPT' })
})

test('an evidence block of frames is not taken for one of events', (t) => {
  const block = Uint8Array.from(buildEventBlock(place, events()))
  block.set(Buffer.from('BTZBLK01'), block.byteLength - 8)
  t.throws(() => parseEventFooter(block, block.byteLength), { code: 'BTZ_EVIDENCE_CORRUPT' })
})
