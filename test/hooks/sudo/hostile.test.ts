import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { initialState } from '#hooks/sudo/connection-state.ts'
import { createFrameReader, frame, maxFrameBytes } from '#hooks/sudo/framing.ts'
import { decodeClientMessage } from '#hooks/sudo/messages.ts'
import { step } from '#hooks/sudo/state-table.ts'
import { fromNs, toNs } from '#hooks/sudo/time-spec.ts'
import { BartizanError } from '#services/errors.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { connectSudoClient, encodeClientMessage, loginInfos, type SudoMessage } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { startWithMemory } from './start.ts'

const sample = (name: string): Buffer => readFileSync(new URL(`../../fixtures/sudo/${name}`, import.meta.url))
const samples = ['client-stream-forcecommand-shell.bin', 'client-stream-forcecommand-exec.bin'].map(sample)
const context = { nowMs: 1_800_000_000_000, newSessionId: () => '01900000-0000-7000-8000-000000000000' }

/** All that a stream of bytes does before it is refused; anything thrown but a refusal is a bug. */
const digest = (stream: Buffer, chunkBytes: number): { frames: number; refused: string | null } => {
  const reader = createFrameReader()
  let state = initialState
  let frames = 0
  try {
    for (let at = 0; at < stream.length; at += chunkBytes) {
      reader.push(stream.subarray(at, at + chunkBytes))
      for (let message = reader.next(); message !== null; message = reader.next()) {
        state = step(state, decodeClientMessage(message), context).state
        frames += 1
      }
    }
  } catch (error) {
    if (!(error instanceof BartizanError) || error.code !== 'BTZ_SUDO_PROTOCOL') throw error
    return { frames, refused: error.message }
  }
  return { frames, refused: null }
}

const damages: ((bytes: Buffer, at: number, random: () => number) => Buffer)[] = [
  (bytes, at, random) => bytes.fill(Math.floor(random() * 256), at, at + 1),
  (bytes, at, random) => bytes.fill(bytes[at]! ^ (1 << Math.floor(random() * 8)), at, at + 1),
  (bytes, at, random) => bytes.fill(random() < 0.5 ? 0xff : 0, at, Math.min(bytes.length, at + 12)),
  (bytes, at) => bytes.subarray(0, at + 1),
  (bytes, at, random) => Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(Math.floor(random() * at))]),
]

const mutate = (source: Buffer, random: () => number): Buffer => {
  let bytes: Buffer = Buffer.from(source)
  for (let left = 1 + Math.floor(random() * 4); left > 0; left -= 1) {
    const damage = damages[Math.floor(random() * damages.length)]!
    bytes = damage(bytes, Math.floor(random() * bytes.length), random)
  }
  return bytes
}

const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000_000)

test(`20,000 mutations of real streams are taken or refused, never worse (seed ${seed})`, (t) => {
  const random = seededRandom(seed)
  let refused = 0
  for (let round = 0; round < 20_000; round += 1) {
    const stream = mutate(samples[round % samples.length]!, random)
    if (digest(stream, 1 + Math.floor(random() * 4096)).refused !== null) refused += 1
  }
  t.true(refused > 2_000 && refused < 20_000, `${refused} refused`)
})

test('any bytes are refused, or wait for more', (t) => {
  const outcomes = { refused: 0, waits: 0 }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 64 }), (bytes, chunkBytes) => {
      for (const stream of [Buffer.from(bytes), frame(bytes)])
        outcomes[digest(stream, chunkBytes).refused === null ? 'waits' : 'refused'] += 1
    }),
    { numRuns: 5_000 },
  )
  t.is(outcomes.refused + outcomes.waits, 10_000)
  t.true(outcomes.refused > 0 && outcomes.waits > 0, JSON.stringify(outcomes))
})

test(`mutated streams over real connections end every session, and the server goes on (memory recorder, seed ${seed})`, async (t) => {
  const random = seededRandom(seed)
  const { port, sessions, hook } = await startWithMemory(t, { resumeGraceMs: 100, idleHelloMs: 200 })
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      Array.from({ length: 15 }, async () => {
        const client = await connectSudoClient(port, { clientId: null })
        client.sayRaw(mutate(samples[Math.floor(random() * samples.length)]!, random))
        if (random() < 0.5) client.finishTalking()
        else client.vanish()
        await client.closed()
      }),
    )
  }
  await until(() => hook.openConnections === 0)
  await until(() => sessions.every(({ ending }) => ending !== null))
  const good = await connectSudoClient(port, { clientId: null })
  await good.greeted()
  good.sayRaw(samples[1]!)
  await good.closed()
  t.like(sessions.at(-1)!.ending, { reason: 'exit', exitCode: 7 })
})

test('a stream is the same in pieces of any size', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 5000 })),
      (messages, sizes) => {
        const stream = Buffer.concat(messages.map((message) => frame(message)))
        const reader = createFrameReader()
        const got: Uint8Array[] = []
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value as number
          reader.push(Buffer.from(stream.subarray(at, at + size)))
          at += size
          for (let message = reader.next(); message !== null; message = reader.next()) got.push(Buffer.from(message))
        }
        t.is(reader.bufferedBytes, 0)
        t.deepEqual(
          got.map((bytes) => Buffer.from(bytes)),
          messages.map((bytes) => Buffer.from(bytes)),
        )
      },
    ),
    { numRuns: 200 },
  )
})

test('the largest message comes whole out of single bytes, in time that grows with its size only', (t) => {
  const message = Buffer.alloc(maxFrameBytes)
  for (let at = 0; at < message.length; at += 4) message.writeUInt32LE(at, at)
  const stream = frame(message)
  const reader = createFrameReader()
  const startedMs = performance.now()
  let got: Uint8Array | null = null
  for (let at = 0; at < stream.length; at += 1) {
    reader.push(stream.subarray(at, at + 1))
    got ??= reader.next()
  }
  t.deepEqual(Buffer.from(got!).equals(message), true)
  t.true(performance.now() - startedMs < 20_000)
})

for (const [what, header] of [
  ['no bytes', 0],
  ['one more than two megabytes', maxFrameBytes + 1],
  ['four gigabytes', 0xffff_ffff],
  ['a TLS hello', 0x1603_0102],
  ['a web browser', 0x4745_5420],
] as const) {
  test(`a message of ${what} is refused before anything is kept for it (memory recorder)`, async (t) => {
    const { port } = await startWithMemory(t)
    const client = await connectSudoClient(port, { clientId: null })
    await client.greeted()
    const length = Buffer.alloc(4)
    length.writeUInt32BE(header)
    client.sayRaw(length)
    await client.closed()
    t.regex(client.heard.errors[0] ?? '', /^Bartizan: a message of /)
  })
}

const inSession = async (t: Parameters<typeof startWithMemory>[0], ...messages: SudoMessage[]) => {
  const { port, sessions } = await startWithMemory(t)
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept()
  await client.logId()
  client.io('ttyoutBuf', 'good')
  for (const message of messages) client.say(message)
  await client.closed()
  return { client, session: sessions[0]! }
}
const data = Buffer.from('bad')

for (const [what, message] of [
  ['a negative delay', { case: 'ttyoutBuf', value: { delay: { tvSec: -1n, tvNsec: 0 }, data } }],
  ['negative nanoseconds', { case: 'ttyinBuf', value: { delay: { tvSec: 0n, tvNsec: -1 }, data } }],
  ['a second of nanoseconds', { case: 'stdoutBuf', value: { delay: { tvSec: 0n, tvNsec: 1_000_000_000 }, data } }],
  ['a delay of 2^63 seconds', { case: 'stdinBuf', value: { delay: { tvSec: 2n ** 63n - 1n, tvNsec: 0 }, data } }],
  ['a window of 65,536 columns', { case: 'winsizeEvent', value: { rows: 24, cols: 65_536 } }],
  ['a window of -1 rows', { case: 'winsizeEvent', value: { rows: -1, cols: 80 } }],
  ['a signal that is no name', { case: 'suspendEvent', value: { signal: '../x' } }],
  ['a second hello', { case: 'helloMsg', value: { clientId: 'again' } }],
  ['a restart inside a session', { case: 'restartMsg', value: { logId: 'x' } }],
  ['a negative run time', { case: 'exitMsg', value: { runTime: { tvSec: -1n, tvNsec: 0 } } }],
] satisfies [string, SudoMessage][]) {
  test(`${what} is refused with a text; what came before is kept, and the session is truncated (memory recorder)`, async (t) => {
    const { client, session } = await inSession(t, message)
    t.is(client.heard.errors.length, 1)
    t.deepEqual(
      session.frames.map((one) => Buffer.from(one.data).toString()),
      ['good'],
    )
    t.like(session.ending, { reason: 'truncated' })
    t.not(session.ending!.detail, '')
  })
}

test('delays that add up to more than a clock counts are refused (memory recorder)', async (t) => {
  const century: SudoMessage = { case: 'ttyoutBuf', value: { delay: { tvSec: 0xffff_fff0n, tvNsec: 0 }, data } }
  const { session, client } = await inSession(t, century, century)
  t.is(session.frames.length, 2)
  t.is(client.heard.errors.length, 1)
})

test('a wall clock that goes back between two sessions is recorded as the client says it (memory recorder)', async (t) => {
  const { port, sessions } = await startWithMemory(t)
  for (const tvSec of [1_800_000_000n, 1_700_000_000n]) {
    const client = await connectSudoClient(port)
    await client.greeted()
    client.accept(loginInfos(), { submitTime: { tvSec, tvNsec: 1_000_000 } })
    await client.logId()
    client.exit()
    await client.closed()
  }
  t.deepEqual(
    sessions.map(({ opening }) => opening.startedAtMs),
    [1_800_000_000_001, 1_700_000_000_001],
  )
})

test('more infos than a sudo ever sends are refused before they are built', (t) => {
  const infos = (count: number) =>
    encodeClientMessage({ case: 'acceptMsg', value: { infoMsgs: Array.from({ length: count }, () => ({})) } }).subarray(
      4,
    )
  t.is(decodeClientMessage(infos(10_000)).case, 'acceptMsg')
  t.throws(() => decodeClientMessage(infos(10_001)), { message: /more than 10000 infos/ })
  const split = Buffer.concat([infos(6_000), infos(6_000)]) // protobuf merges what comes twice
  t.throws(() => decodeClientMessage(split), { message: /more than 10000 infos/ })
})

test('invalid UTF-8 in names, arguments and signals never throws out of the decoder', (t) => {
  const accept = encodeClientMessage({
    case: 'acceptMsg',
    value: { infoMsgs: [{ key: 'command', value: { case: 'strval', value: 'XXXX' } }] },
  }).subarray(4)
  const bytes = Buffer.from(accept)
  bytes.fill(0xff, bytes.indexOf('XXXX'), bytes.indexOf('XXXX') + 4)
  const said = decodeClientMessage(bytes)
  t.is(said.case === 'acceptMsg' && said.value.infoMsgs[0]!.value.value, '\ufffd\ufffd\ufffd\ufffd')
})

test('times go to nanoseconds and back without loss', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 0xffff_ffffn * 1_000_000_000n }), (ns) => {
      t.is(toNs(fromNs(ns)), ns)
    }),
  )
})
