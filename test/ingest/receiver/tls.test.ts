import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { create, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { BartizanError } from '#services/errors.ts'
import { openAuthority } from '#services/pki/authority.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { SessionId } from '#services/schema/ids.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { newAgentKey, overHttp1, overHttp2, type Reply, serveTlsReceiver } from '#test/helpers/tls-receiver.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const uploadOf = (bastion: string) => {
  const session = createSessionBatches({ bastion })
  const batches = [session.first(textFrame('a')), session.next(textFrame('b'))]
  return { path: '/api/ingest/batches', body: toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches })) }
}
const eventOf = (bastion: string) => {
  const at = new Date().toISOString()
  const event = { id: randomUUID(), at, kind: 'posture', source: 'test', bastion, check: 'c', status: 'ok' }
  return { path: '/api/ingest/events', body: JSON.stringify(event) }
}
const sessionId = '018f0000-0000-7000-8000-000000000001' as SessionId
const heartbeatOf = (bastion: string, openSessions: object[] = []) => {
  const at = new Date().toISOString()
  const spool = { usedBytes: 0, maxBytes: 1 }
  const beat = { bastion, version: '1', at, keyId: 'k', publicKey: 'p', waitMs: 0, openSessions, spool }
  return { method: 'PUT', path: '/api/agents/heartbeat', body: JSON.stringify(beat) }
}
const postureOf = async (bus: Parameters<typeof recordsOf>[0]) =>
  (await recordsOf(bus, 'session-events')).map(({ value }) => JSON.parse(Buffer.from(value).toString()) as object)

for (const [name, call] of [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const) {
  test(`over ${name} an agent with a certificate speaks for its bastion, on every path, and for no other`, async (t) => {
    const { url, enrolled, bus, orders, agentKeys } = await serveTlsReceiver(t)
    const { tls } = await enrolled()
    t.like((await call(url, tls, uploadOf('bastion-1'))).body, { rejected: [] })
    t.like((await call(url, tls, eventOf('bastion-1'))).body, { accepted: 1 })
    t.is((await call(url, tls, heartbeatOf('bastion-1'))).status, 200)

    const { body: batches } = await call(url, tls, uploadOf('bastion-2'))
    t.like(batches, { sessions: [], rejected: [{ code: 'BTZ_FORBIDDEN' }, { code: 'BTZ_FORBIDDEN' }] })
    t.like((await call(url, tls, eventOf('bastion-2'))).body, { accepted: 0, rejected: [{ line: 1 }] })
    await orders.terminate({ bastion: 'bastion-2', sessionId, text: 'not for you' })
    const beat = await call(url, tls, heartbeatOf('bastion-2'))
    t.like(beat, { status: 403, body: { code: 'BTZ_FORBIDDEN' } })
    const own = await call(url, tls, heartbeatOf('bastion-1', [{ sessionId, lastSeq: 1 }]))
    t.deepEqual(own.body.orders, [], 'an order of another bastion is not told')
    t.deepEqual(await agentKeys.list('bastion-2'), [])
    t.is((await recordsOf(bus, 'session-frames')).length, 2)
    t.is((await recordsOf(bus, 'session-events')).length, 1)
  })

  test(`over ${name} back-pressure reaches the agent, with the time after which it may come again`, async (t) => {
    const full = async () => {
      throw new BartizanError('BTZ_UNAVAILABLE', 'the bus takes no more now')
    }
    const { url, enrolled } = await serveTlsReceiver(t, { bus: { produce: full, maxRecordBytes: 1 << 20 } })
    const { status, headers, body } = await call(url, (await enrolled()).tls, uploadOf('bastion-1'))
    t.deepEqual([status, body.code, headers['retry-after']], [503, 'BTZ_UNAVAILABLE', '2'])
  })
}

const noise = randomBytes(200_000)
for (const [encoding, body] of [
  ['identity', noise],
  ['gzip', gzipSync(noise)],
  ['zstd', zstdCompressSync(noise)],
] as const) {
  test(`uploads over HTTP/2 (${encoding}) that are cut off leave nothing behind that could hold up the next`, async (t) => {
    const { url, enrolled } = await serveTlsReceiver(t)
    const { tls } = await enrolled()
    const session = connectHttp2(url, tls)
    t.teardown(() => session.destroy())
    const cut = async () => {
      const headers = { ':method': 'POST', ':path': '/api/ingest/batches', 'content-encoding': encoding }
      const stream = session.request(headers)
      stream.on('error', () => {})
      await new Promise((resolve) => stream.write(body.subarray(0, 20_000), resolve))
      const later = session.request({ ':path': '/api/agents/certificate' }).resume()
      await once(later, 'end') // by then the receiver reads the one before
      stream.close(constants.NGHTTP2_CANCEL)
    }
    for (let round = 0; round < 2; round++) {
      for (let upload = 0; upload < 40; upload++) await cut()
      let answer: Reply | null = null
      await until(
        async () => {
          answer = await overHttp2(url, tls, uploadOf('bastion-1'))
          return answer.headers['retry-after'] === undefined
        },
        { limitMs: 30_000 },
      )
      t.like(answer, { status: 200 }, `after ${40 * (round + 1)} cut uploads`)
    }
  })
}

/** RST_STREAM with CANCEL (RFC 9113, 6.4). */
const resetOf = (streamId: number): Buffer => {
  const frame = Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 8])
  frame.writeUInt32BE(streamId, 5)
  return frame
}

test('of a request over HTTP/2 that is reset half way nothing is taken', async (t) => {
  const { url, enrolled, bus } = await serveTlsReceiver(t)
  const { tls } = await enrolled()
  const { path, body } = eventOf('bastion-1')
  for (let time = 0; time < 10; time++) {
    const socket = connectTls({ ...tls, host: 'localhost', port: Number(new URL(url).port), ALPNProtocols: ['h2'] })
    const [inner, outer] = duplexPair()
    outer.pipe(socket).pipe(outer)
    const session = connectHttp2(url, { createConnection: () => inner })
    const stream = session.request({ ':method': 'POST', ':path': path })
    for (const each of [socket, inner, outer, session, stream]) each.on('error', () => {})
    await new Promise((resolve) => stream.write(`${body}\n`, resolve))
    await once(session.request({ ':path': '/api/agents/certificate' }).resume(), 'end')
    socket.write(resetOf(stream.id ?? 0)) // by hand: close() of Node's client ends the body first
    await once(session.request({ ':path': '/api/agents/certificate' }).resume(), 'end')
    socket.destroy()
  }
  const whole = eventOf('bastion-1')
  t.is((await overHttp2(url, tls, whole)).status, 200)
  const taken = (await recordsOf(bus, 'session-events')).map(({ headers }) => headers?.id)
  t.deepEqual(taken, [(JSON.parse(whole.body) as { id: string }).id])
})

test('without a certificate a token is needed, and is taken', async (t) => {
  const { url, ca, secrets } = await serveTlsReceiver(t)
  t.is((await overHttp1(url, { ca }, eventOf('bastion-1'))).status, 401)
  const headers = { authorization: `Bearer ${secrets.bastion}` }
  t.like((await overHttp1(url, { ca }, { ...eventOf('bastion-1'), headers })).body, { accepted: 1 })
  t.like((await overHttp1(url, { ca }, { ...eventOf('bastion-2'), headers })).body, { accepted: 0 })
})

test('TLS before 1.3 is not spoken', async (t) => {
  const { url, enrolled } = await serveTlsReceiver(t)
  const { tls } = await enrolled()
  await t.throwsAsync(overHttp1(url, { ...tls, maxVersion: 'TLSv1.2' }, eventOf('bastion-1')))
})

test('a certificate that has expired, is of another authority, or was never entered is refused, with the reason', async (t) => {
  const { url, ca, certify, secrets, bus } = await serveTlsReceiver(t)
  const foreign = await openAuthority(join(await temporaryFolder(t), 'pki'))
  const { key, publicKey } = newAgentKey()
  const forged = { ca, key, cert: await foreign.issueForAgent('bastion-1', publicKey, 30) }
  const headers = { authorization: `Bearer ${secrets.bastion}` } // a good token beside it does not help
  for (const [tls, reason] of [
    [(await certify('bastion-1', -1)).tls, /CERT_HAS_EXPIRED/],
    [forged, /not good: [A-Z_]+$/],
    [(await certify()).tls, /not known here/],
  ] as const) {
    const { status, body } = await overHttp1(url, tls, { ...eventOf('bastion-1'), headers })
    t.is(status, 401)
    t.regex(String(body.detail), reason)
  }
  t.deepEqual(await recordsOf(bus, 'session-events'), [])
})

test('a certificate that was revoked is refused on a connection that is open, and the one of another bastion is not', async (t) => {
  const { url, enrolled, enrolments } = await serveTlsReceiver(t)
  const [first, second] = [await enrolled(), await enrolled('bastion-2')]
  t.is((await overHttp1(url, first.tls, eventOf('bastion-1'))).status, 200)
  const held = overHttp2(url, first.tls, {
    ...heartbeatOf('bastion-1'),
    body: heartbeatOf('bastion-1').body.replace('"waitMs":0', '"waitMs":1000'),
  })
  t.is(await enrolments.revoke('bastion-1'), 1)
  t.is((await held).status, 401, 'an answer that was held is not given any more')
  for (const asked of [uploadOf('bastion-1'), eventOf('bastion-1'), heartbeatOf('bastion-1')]) {
    const { status, body } = await overHttp1(url, first.tls, asked)
    t.is(status, 401)
    t.regex(String(body.detail), /was revoked/)
  }
  t.is((await overHttp1(url, second.tls, eventOf('bastion-2'))).status, 200)
})

const enrol = (url: string, ca: string, code: string, more: object = {}) => {
  const request = { bastion: 'bastion-1', code, publicKey: newAgentKey().publicKey, keyId: null, ...more }
  return overHttp2(url, { ca }, { path: '/api/agents/enrol', body: JSON.stringify(request) })
}

test('a code is good once, for its bastion, for its time; what is issued is told', async (t) => {
  const { url, ca, codes, bus } = await serveTlsReceiver(t)
  const { code } = await codes.issue('bastion-1', 60_000, 'ann')
  t.is((await enrol(url, ca, code, { bastion: 'bastion-2' })).status, 401)
  const all = await Promise.all([1, 2, 3].map(() => enrol(url, ca, code)))
  t.deepEqual(all.map(({ status }) => status).sort(), [201, 401, 401])
  const { code: old } = await codes.issue('bastion-1', 1, 'ann')
  t.like(await enrol(url, ca, old), { status: 401, body: { code: 'BTZ_ENROL_REFUSED' } })
  const told = await postureOf(bus)
  t.is(told.length, 1)
  t.like(told[0], { check: 'agent-certificate', bastion: 'bastion-1', detail: { how: 'enrolled', by: 'ann' } })
})

test('guessing codes is slowed down, with the time to wait', async (t) => {
  const { url, ca, codes } = await serveTlsReceiver(t)
  for (let guess = 0; guess < 10; guess++) t.is((await enrol(url, ca, 'A'.repeat(43))).status, 401)
  const { status, headers } = await enrol(url, ca, (await codes.issue('bastion-1', 60_000, 'ann')).code)
  t.is(status, 429)
  t.true(Number(headers['retry-after']) > 0)
})

test('a key that is none, a large body, and a rotation without a certificate are refused', async (t) => {
  const { url, ca, codes, secrets } = await serveTlsReceiver(t)
  const { code } = await codes.issue('bastion-1', 60_000, 'ann')
  t.is((await enrol(url, ca, code, { publicKey: Buffer.from('no key').toString('base64') })).status, 400)
  t.is((await enrol(url, ca, 'A'.repeat(5_000))).status, 413)
  const headers = { authorization: `Bearer ${secrets.admin}` }
  const body = JSON.stringify({ publicKey: newAgentKey().publicKey })
  t.is((await overHttp1(url, { ca }, { path: '/api/agents/certificate', body, headers })).status, 401)
})

test('a rotation gives a certificate for the same bastion; its first use ends the one before', async (t) => {
  const { url, ca, enrolled, enrolments } = await serveTlsReceiver(t)
  const { tls, certificate } = await enrolled()
  const { key, publicKey } = newAgentKey()
  const asked = { path: '/api/agents/certificate', body: JSON.stringify({ publicKey }) }
  const { status, body } = await overHttp1(url, tls, asked)
  t.is(status, 201)
  t.is((await overHttp1(url, tls, eventOf('bastion-1'))).status, 200, 'the answer may have been lost')
  const next = { ca, key, cert: String(body.certificate) }
  t.like((await overHttp1(url, next, { method: 'GET', path: '/api/agents/certificate' })).body, {
    bastion: 'bastion-1',
  })
  t.like((await overHttp1(url, next, eventOf('bastion-2'))).body, { accepted: 0 })
  await t.throwsAsync(enrolments.add('bastion-1', certificate, certificate), { code: 'BTZ_AUTH_REQUIRED' })
})
