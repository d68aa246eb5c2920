import { randomBytes } from 'node:crypto'
import test from 'ava'
import { buildEventBlock } from '#services/recordings/format/event-block.ts'
import { eventBlockKeyOf, eventPrefix } from '#services/recordings/format/evidence-keys.ts'
import type { Finding } from '#services/verify/finding.ts'
import type { ContentKeys } from '#services/verify/v0/session.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { mapSource } from '#test/helpers/map-source.ts'

const prefix = 'evidence/v1/2026-01-31/019c13ec-9e00-7488-8ff0-6974fb08b958/'
const verified = async (
  objects: Map<string, Uint8Array>,
  keys: ContentKeys | null = null,
  source = mapSource(objects),
) => {
  const findings: Finding[] = []
  for await (const report of verifyEvidence(source, { prefix: 'evidence/v1/' }, keys))
    if (report.type === 'finding') findings.push(report.finding)
  return findings
}
const told = (findings: Finding[]) => findings.map(({ verdict, what, where }) => [verdict, what, where.key])

/** A trailer that says how long its footer is, and the footer. */
const block = (footer: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(footer.byteLength)
  return Buffer.concat([footer, length, Buffer.from('BTZBLK00')])
}

test('footers and manifests of millions of parts are refused in bounded memory and time', async (t) => {
  const key = `${prefix}000000000000`
  const manifest = `${prefix}manifest-0001`
  const frames = Buffer.alloc(4 * 1024 * 1024 - 2, Buffer.from([0x72, 0])) // empty frames, two bytes each
  const objects = new Map<string, Uint8Array>([
    [key, block(frames)],
    [manifest, Buffer.from(`{"blocks":[${'{},'.repeat(1_000_000)}{}],"format":0}`)],
  ])
  const startMs = performance.now()
  const findings = await verified(objects)
  t.deepEqual(told(findings).slice(0, 2), [
    ['tampered', 'footer', key],
    ['tampered', 'manifest', manifest],
  ])
  for (const { detail } of findings) t.true(detail.length < 2_000)
  t.true(performance.now() - startMs < 60_000)
})

test('an object that is far too large is told and not read; a name that is none of ours, too', async (t) => {
  const [large, foreign] = [`${prefix}000000000000`, 'evidence/v1/2026-01-31/notes']
  const objects = new Map<string, Uint8Array>([
    [large, Buffer.from('x')],
    [foreign, Buffer.from('x')],
  ])
  const source = mapSource(objects)
  const list: typeof source.list = async (...asked) =>
    (await source.list(...asked)).map((object) => (object.key === large ? { ...object, sizeBytes: 2 ** 40 } : object))
  const get: typeof source.get = async (key) => (key === large ? t.fail('read') && Buffer.alloc(0) : source.get(key))
  t.deepEqual(told(await verified(objects, null, { ...source, list, get: get as typeof source.get })), [
    ['tampered', 'too-large', large],
    ['incomplete', 'not-sealed', prefix],
    ['tampered', 'foreign-object', foreign],
  ])
})

test('blocks of events are checked by digest, place and order, and with their keys each record', async (t) => {
  const place = { busId: 'bus-1', topic: 'session-events', partition: 0 }
  const session = new Uint8Array(randomBytes(32))
  const events = (first: number) =>
    ['session:a', 'bastion:b:2026-01-31'].map((keyId, at) => ({
      ...{ offset: first + at, atMs: 1_769_860_800_000, id: `event-${first + at}`, keyId, key: session },
      value: Buffer.from(`{"n":${at}}`),
    }))
  const keyAt = (offset: number) => eventBlockKeyOf(eventPrefix('bus-1', 'session-events', 0), offset)
  const good = new Map<string, Uint8Array>(
    [0, 10].map((first) => [keyAt(first), buildEventBlock(place, events(first))]),
  )
  const keys: ContentKeys = {
    keyOf: async (keyId) => (keyId === 'session:a' ? { key: session } : { what: 'erased', detail: keyId }),
    agentKeys: async () => [],
  }
  t.deepEqual(await verified(good), [])
  t.deepEqual(told(await verified(good, keys)), [
    ['unknown', 'erased', keyAt(0)],
    ['unknown', 'erased', keyAt(10)],
  ])
  const flipped = Uint8Array.from(good.get(keyAt(10))!)
  flipped[3]! ^= 1
  t.deepEqual(told(await verified(new Map(good).set(keyAt(10), flipped))), [['tampered', 'ciphertext', keyAt(10)]])
  t.deepEqual(told(await verified(new Map(good).set(keyAt(20), good.get(keyAt(10))!))), [
    ['tampered', 'misplaced', keyAt(20)],
  ])
  const wrongKey = { ...keys, keyOf: async () => ({ key: new Uint8Array(32) }) }
  t.deepEqual(told(await verified(good, wrongKey)), [
    ['tampered', 'record', keyAt(0)],
    ['tampered', 'record', keyAt(10)],
  ])
})
