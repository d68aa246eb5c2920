import { readFileSync } from 'node:fs'
import { create, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import type { z } from 'zod'
import { parseJson } from '#ingest/receiver/parse-json.ts'
import { takeBatches } from '#ingest/receiver/take-batches.ts'
import { takeEvents } from '#ingest/receiver/take-events.ts'
import type { NewRecord } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import { EnrolRequest, NewCode, RenewRequest } from '#services/schema/enrolment.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { Heartbeat, ImportKey } from '#services/schema/uplink.ts'
import { createMutations, fuzzSeed, jsonPieces } from '#test/helpers/mutated-bytes.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'

/** Bodies as agents of the first release sent them, broken. The bus of these tests counts and keeps what it is given. */

const inputs = 100_000
const sent = (name: string): Buffer => readFileSync(new URL(`../../fixtures/uplink/v0/${name}`, import.meta.url))
const sender = { mayWriteFor: (bastion: string) => bastion === 'bastion-1', bastion: 'bastion-1', relay: null }
const nowMs = Date.UTC(2026, 10, 21)
const countingBus = () => {
  const taken: NewRecord[] = []
  const produce = async (records: NewRecord[]) => {
    taken.push(...records)
    return records.map(({ topic }, offset) => ({ topic, partition: 0, offset }))
  }
  return { taken, maxRecordBytes: 1024 * 1024, produce }
}
const codes = new Set(['BTZ_REQUEST_INVALID', 'BTZ_PAYLOAD_TOO_LARGE'])
/** Null: refused for a reason of its own. Anything else thrown is a bug. */
const unlessRefused = (error: unknown): null => {
  if (error instanceof BartizanError && codes.has(error.code) && error.message.length <= 2_000) return null
  throw error
}

test(`${inputs} broken bodies of events: each line is taken as an event of the schema, or refused with a reason (counting bus)`, async (t) => {
  const seed = fuzzSeed(t.log)
  const lines = sent('events.ndjson').toString().trim().split('\n').slice(0, 12)
  const { input } = createMutations(
    [...lines, lines.slice(0, 2).join('\n')].map((line) => Buffer.from(line)),
    jsonPieces,
    seed,
  )
  const counts = { taken: 0, refused: 0 }
  for (let n = 0; n < inputs; n++) {
    const bus = countingBus()
    const answer = await takeEvents(bus, sender, input(), nowMs)
    counts.taken += bus.taken.length
    counts.refused += answer.rejected.length
    const isSound = bus.taken.every(
      ({ key, value }) =>
        key === 'bastion-1' && (n % 20 > 0 || SessionEvent.safeParse(JSON.parse(value.toString())).success),
    )
    if (
      !isSound ||
      answer.accepted !== bus.taken.length ||
      answer.rejected.some(({ reason }) => reason === '' || reason.length > 500)
    )
      return t.fail(`seed ${seed}, input ${n}`)
  }
  t.log(JSON.stringify(counts))
  t.true(counts.taken > inputs / 10 && counts.refused > inputs / 10)
})

test(`${inputs} broken uploads of batches: each batch is taken as it is, or refused with a reason (counting bus)`, async (t) => {
  const seed = fuzzSeed(t.log)
  const session = createSessionBatches()
  const batches = [session.first(textFrame('a')), session.next(textFrame('b'), textFrame('c')), session.end()]
  const uploads = [batches, batches.slice(0, 1), batches.slice(1, 2)].map((some) =>
    Buffer.from(toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches: some }))),
  )
  const pieces = [
    '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
    '\xff\xff\xff\xff\x0f',
    '\0',
    '\x0a',
    '\x0a\x80',
    '\x0b',
    '\x80',
  ]
  const { input } = createMutations([sent('batches.bin').subarray(0, 2_000), ...uploads], pieces, seed)
  const counts = { taken: 0, refused: 0 }
  for (let n = 0; n < inputs; n++) {
    const bus = countingBus()
    const bytes = input()
    const result = await takeBatches(bus, sender, bytes).catch(unlessRefused)
    counts.taken += bus.taken.length
    counts.refused += result === null ? 1 : result.answer.rejected.length
    const isSound = bus.taken.every(
      ({ value, headers }) => bytes.includes(Buffer.from(value)) && headers?.bastion === 'bastion-1',
    )
    if (!isSound || (result?.acceptedCount ?? 0) !== bus.taken.length) return t.fail(`seed ${seed}, input ${n}`)
  }
  t.log(JSON.stringify(counts))
  t.true(counts.taken > inputs / 10 && counts.refused > inputs / 10)
})

const spki = Buffer.alloc(91, 7).toString('base64')
const bodies: [string, z.ZodType, Buffer][] = [
  ['heartbeats', Heartbeat, sent('heartbeat.json')],
  [
    'enrolments',
    EnrolRequest,
    Buffer.from(JSON.stringify({ bastion: 'b1', code: 'c'.repeat(43), publicKey: spki, keyId: null })),
  ],
  ['renewals', RenewRequest, Buffer.from(JSON.stringify({ publicKey: spki }))],
  [
    'keys of imports',
    ImportKey,
    Buffer.from(JSON.stringify({ bastion: 'b1', publicKey: Buffer.alloc(32).toString('base64') })),
  ],
]
for (const [what, schema, body] of bodies)
  test(`${inputs} broken ${what}: what is taken is one of the schema, the rest is refused with a reason`, (t) => {
    const seed = fuzzSeed(t.log)
    const { input } = createMutations([body], jsonPieces, seed)
    let taken = 0
    for (let n = 0; n < inputs; n++) {
      try {
        const parsed = parseJson(schema, input())
        taken++
        if (n % 20 === 0 && !schema.safeParse(parsed).success) return t.fail(`seed ${seed}, input ${n}`)
      } catch (error) {
        unlessRefused(error)
      }
    }
    t.log(`${taken} taken`)
    t.true(taken > inputs / 100 && taken < inputs)
  })

const beat = JSON.parse(sent('heartbeat.json').toString()) as Record<string, unknown>
const hostile: [string, z.ZodType, unknown][] = [
  ['a bastion that is a path', Heartbeat, { ...beat, bastion: '../b1' }],
  ['a bastion with control characters', Heartbeat, { ...beat, bastion: 'b1\u001b[2J' }],
  ['a version that would fill a line', Heartbeat, { ...beat, version: 'v'.repeat(65) }],
  ['a wait of a day', Heartbeat, { ...beat, waitMs: 86_400_000 }],
  ['a wait below zero', Heartbeat, { ...beat, waitMs: -1 }],
  ['half a millisecond', Heartbeat, { ...beat, waitMs: 0.5 }],
  ['a time in another zone', Heartbeat, { ...beat, at: '2026-11-21T09:00:00+01:00' }],
  ['a session that is no id', Heartbeat, { ...beat, openSessions: [{ sessionId: '../../x', lastSeq: 0 }] }],
  [
    'more sessions than a bastion has',
    Heartbeat,
    { ...beat, openSessions: Array.from({ length: 10_001 }, () => (beat.openSessions as unknown[])[0]) },
  ],
  ['a spool beyond all numbers', Heartbeat, JSON.stringify(beat).replace(/"usedBytes":\d+/, '"usedBytes":1e400')],
  ['depth', Heartbeat, `{"status":${'['.repeat(100_000)}`],
  ['hooks without end', Heartbeat, { ...beat, status: { hooks: Array.from({ length: 33 }, () => ({})) } }],
  ['a code as an object', EnrolRequest, { bastion: 'b1', code: { length: 43 }, publicKey: spki, keyId: null }],
  ['a code of a kilobyte', EnrolRequest, { bastion: 'b1', code: 'c'.repeat(1024), publicKey: spki, keyId: null }],
  ['a key of a megabyte', EnrolRequest, { bastion: 'b1', code: 'c', publicKey: 'A'.repeat(1 << 20), keyId: null }],
  ['a key in PEM', RenewRequest, { publicKey: '-----BEGIN PUBLIC KEY-----\n' }],
  ['a code for a year', NewCode, { forMs: 31_536_000_000 }],
  ['no UTF-8', EnrolRequest, Buffer.from([0x7b, 0x22, 0xff, 0xfe])],
]
for (const [what, schema, given] of hostile)
  test(`refused with the reason, which is short: ${what}`, (t) => {
    const body = Buffer.isBuffer(given) ? given : Buffer.from(typeof given === 'string' ? given : JSON.stringify(given))
    const error = t.throws(() => parseJson(schema, body), { code: 'BTZ_REQUEST_INVALID' })
    t.true(error!.message.length > 0 && error!.message.length <= 2_000)
    t.notRegex(error!.message, /[\0-\x08\x0b-\x1f\x7f]/)
  })
