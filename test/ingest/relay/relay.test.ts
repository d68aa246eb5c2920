import { randomBytes, randomUUID } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { readDeadLetters, resendDeadLetters } from '#ingest/relay/dead-letters.ts'
import type { Bus } from '#services/bus/bus.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { enrolRelay, openSpool, type RelayPlace, relayName, startRelay } from '#test/helpers/relay.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { newAgentKey, overHttp1, overHttp2, serveTlsReceiver } from '#test/helpers/tls-receiver.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const limitMs = 30_000
type Tls = Parameters<typeof overHttp2>[1]

const upload = (batches: Uint8Array[]) => ({
  path: '/api/ingest/batches',
  body: toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches })),
})
const eventOf = (bastion: string, more: object = {}) => {
  const at = new Date().toISOString()
  return JSON.stringify({
    id: randomUUID(),
    at,
    kind: 'posture',
    source: 't',
    bastion,
    check: 'c',
    status: 'ok',
    ...more,
  })
}
const events = (...lines: string[]) => ({ path: '/api/ingest/events', body: `${lines.join('\n')}\n` })
const heartbeatOf = (bastion: string, more: object = {}) => {
  const at = new Date().toISOString()
  const spool = { usedBytes: 0, maxBytes: 1 }
  const beat = { bastion, version: '1', at, keyId: 'k', publicKey: 'p', waitMs: 0, openSessions: [], spool, ...more }
  return { method: 'PUT', path: '/api/agents/heartbeat', body: JSON.stringify(beat) }
}

/** A receiver, a relay, and what is behind it. */
const setUp = async (t: ExecutionContext, place: Partial<RelayPlace> = {}) => {
  const central = await serveTlsReceiver(t)
  const enrolled = await enrolRelay(t, central)
  const behind = await enrolled.enrolBehind('inner-1')
  let relay = await startRelay({ data: enrolled.data, ...place })
  t.teardown(() => relay.stop())
  const heard = async () => {
    const before = relay.answers()
    await until(() => relay.answers() >= before + 2, { limitMs, what: 'an answer that began after this' })
  }
  await heard()
  return {
    central,
    ...enrolled,
    behind,
    relay: () => relay,
    heard,
    ask: (tls: Tls, asked: Parameters<typeof overHttp2>[2]) => overHttp2(relay.url, tls, asked),
    restart: async (meanwhile: (bus: Bus) => Promise<void> = async () => {}) => {
      await relay.stop()
      const bus = await openSpool({ data: enrolled.data, ...place })
      await meanwhile(bus)
      await bus.close()
      relay = await startRelay({ data: enrolled.data, ...place })
    },
    framesOf: async (sessionId: string) =>
      (await recordsOf(central.bus, 'session-frames'))
        .filter(({ key }) => key === sessionId)
        .map(({ value }) => Buffer.from(value).toString('hex')),
    eventLines: async () =>
      (await recordsOf(central.bus, 'session-events')).map(({ value }) => Buffer.from(value).toString()),
  }
}
const hex = (batches: Uint8Array[]) => batches.map((batch) => Buffer.from(batch).toString('hex'))
const sessionOf = (bastion: string, count = 3, text = '') => {
  const session = createSessionBatches({ bastion })
  const batches = [
    session.first(textFrame('a')),
    ...Array.from({ length: count }, (_, n) => session.next(textFrame(`${n}${text}`))),
  ]
  return { id: session.sessionId, batches }
}

test('what agents behind a relay send arrives byte for byte and in order; of an event the receiver adds when it came', async (t) => {
  const { ask, behind, framesOf, eventLines, heard } = await setUp(t)
  await heard()
  const { id, batches } = sessionOf('inner-1', 20)
  t.like((await ask(behind, upload(batches))).body, { rejected: [], sessions: [{ sessionId: id, durableSeq: 20 }] })
  const line = eventOf('inner-1', { detail: { b: 1, a: 2 } })
  t.like((await ask(behind, events(line))).body, { accepted: 1, rejected: [] })
  await until(async () => (await framesOf(id)).length === 21 && (await eventLines()).length === 1, { limitMs })
  t.deepEqual(await framesOf(id), hex(batches))
  const [came] = await eventLines()
  t.is(came!.replace(/,"receivedAt":"[^"]+"}$/, '}'), line)
})

test('behind a relay an agent speaks for its bastion only, and nobody without a certificate from there', async (t) => {
  const { ask, behind, central, relay } = await setUp(t)
  const { body } = await ask(behind, upload(sessionOf('inner-2').batches))
  t.like(body, { sessions: [], rejected: [{ code: 'BTZ_FORBIDDEN' }] })
  t.is((await ask(behind, heartbeatOf('inner-2'))).status, 403)
  const { tls: direct } = await central.enrolled('outer-1')
  t.is((await ask(direct, upload(sessionOf('outer-1').batches))).status, 401)
  t.is((await ask({ ca: central.ca }, events(eventOf('inner-1')))).status, 401)
  const headers = { authorization: `Bearer ${central.secrets.bastion}` }
  t.is((await overHttp1(relay().url, { ca: central.ca }, { ...events(eventOf('bastion-1')), headers })).status, 401)
  t.is((await relay().relay.status()).waiting, 0)
})

test("a relay's key speaks for the bastions behind it and for itself, and for no other", async (t) => {
  const { tls, central } = await setUp(t)
  const call = (asked: Parameters<typeof overHttp2>[2]) => overHttp2(central.url, tls, asked)
  await central.enrolled('outer-1')
  t.like((await call(upload(sessionOf('inner-1').batches))).body, { rejected: [] })
  t.like((await call(upload(sessionOf(relayName).batches))).body, { rejected: [] })
  for (const other of ['outer-1', 'nobody', 'bastion-1']) {
    t.like((await call(upload(sessionOf(other).batches))).body, { sessions: [] })
    t.like((await call(events(eventOf(other)))).body, { accepted: 0 })
    t.is((await call(heartbeatOf(other))).status, 403)
  }
  t.is((await call(heartbeatOf('inner-1'))).status, 401, 'it has to say who it is that beats')
})

test('while the link is cut a relay takes everything, also over a restart, and sends it when the link is back', async (t) => {
  const { ask, behind, link, restart, relay, framesOf, eventLines } = await setUp(t)
  link.set('cut')
  const { id, batches } = sessionOf('inner-1', 200)
  t.like((await ask(behind, upload(batches.slice(0, 100)))).body, { rejected: [] })
  await restart()
  t.like((await ask(behind, upload(batches.slice(100)))).body, { rejected: [] })
  t.is((await ask(behind, events(eventOf('inner-1')))).status, 200)
  const { status, body } = await ask(behind, heartbeatOf('inner-1'))
  t.is(status, 200)
  t.like(body, { orders: [], signingKey: 'unknown', evidence: [] })
  t.is((await relay().relay.status()).waiting, 202)
  t.deepEqual(await framesOf(id), [])
  link.set('up')
  await until(async () => (await relay().relay.status()).waiting === 0, { limitMs, what: 'everything forwarded' })
  t.deepEqual([...new Set(await framesOf(id))], hex(batches))
  t.is((await eventLines()).length, 1)
})

test('what arrived though its acknowledgement was lost is sent again, and stays in its order', async (t) => {
  const { ask, behind, link, relay, framesOf } = await setUp(t)
  link.set('deaf')
  const { id, batches } = sessionOf('inner-1', 50, randomBytes(4_000).toString('hex'))
  await ask(behind, upload(batches))
  await until(async () => (await framesOf(id)).length >= 51 && link.lost() > 0, { limitMs })
  link.set('up')
  await until(async () => (await relay().relay.status()).waiting === 0, { limitMs })
  const came = await framesOf(id)
  t.true(came.length >= 102, 'it came twice')
  t.deepEqual([...new Set(came)], hex(batches))
})

test('a full spool is said with the time to come again; nothing of before is lost, and there is room once it is forwarded', async (t) => {
  const { ask, behind, link, relay, framesOf, restart } = await setUp(t, {
    relay: { spoolBytes: 300_000 },
    segmentBytes: 65_536,
  })
  link.set('cut')
  const session = createSessionBatches({ bastion: 'inner-1' })
  const taken = [session.first(textFrame('a'))]
  await ask(behind, upload(taken))
  let refusal: Awaited<ReturnType<typeof ask>> | null = null
  let next = session.next(textFrame('x'.repeat(5)))
  for (let count = 0; refusal === null && count < 200; count++) {
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(6_000))).toString('hex')
    next = session.next(textFrame(noise))
    const reply = await ask(behind, upload([next]))
    if (reply.status === 200) taken.push(next)
    else refusal = reply
  }
  t.is(refusal?.status, 503)
  t.regex(String(refusal?.body.detail), /spool of this relay is full/)
  t.true(Number(refusal?.headers['retry-after']) > 0)
  t.is((await ask(behind, heartbeatOf('inner-1'))).status, 200)
  link.set('up')
  await until(async () => (await relay().relay.status()).waiting === 0, { limitMs })
  t.deepEqual([...new Set(await framesOf(session.sessionId))], hex(taken))
  await restart() // removes what was forwarded, which else is done every minute
  t.is((await ask(behind, upload([next]))).status, 200)
  await until(async () => (await framesOf(session.sessionId)).includes(hex([next])[0]!), { limitMs })
})

test('what the receiver refuses for good is put aside with the reason, and holds up nobody', async (t) => {
  const { ask, behind, link, central, relay, framesOf, enrolBehind, heard, restart } = await setUp(t)
  const second = await enrolBehind('inner-2')
  await until(async () => (await ask(second, heartbeatOf('inner-2'))).status === 200, { limitMs })
  link.set('cut')
  const [lost, kept] = [sessionOf('inner-1'), sessionOf('inner-2')]
  await ask(behind, upload(lost.batches))
  await ask(second, upload(kept.batches))
  await central.enrolled('inner-1')
  const { certificate } = await central.certify('inner-1')
  const direct = { via: null, relayNames: null }
  await central.enrolments.add('inner-1', certificate, await central.enrolments.revocations('inner-1'), direct)
  link.set('up')
  await until(async () => (await relay().relay.status()).waiting === 0, { limitMs })
  t.deepEqual([...new Set(await framesOf(kept.id))], hex(kept.batches))
  t.deepEqual(await framesOf(lost.id), [])
  t.is((await relay().relay.status()).deadLetters, lost.batches.length)
  const all = (await relay().bus.read({ topic: 'dead-letters', partition: 0 }, 0, 100)).concat(
    ...(await Promise.all(
      [1, 2, 3].map((partition) => relay().bus.read({ topic: 'dead-letters', partition }, 0, 100)),
    )),
  )
  t.deepEqual(all.map(({ value }) => Buffer.from(value).toString('hex')).sort(), hex(lost.batches).sort())
  t.true(all.every(({ headers }) => headers.code === 'BTZ_RELAY_REFUSED' && /inner-1/.test(headers.reason!)))
  await heard()
  t.is((await ask(behind, heartbeatOf('inner-1'))).status, 401, 'it is not behind this relay any more')

  await enrolBehind('inner-1')
  await restart(async (bus) => {
    const reasons = new Set<string>()
    await readDeadLetters(bus, ({ reason }) => reasons.add(reason))
    t.regex([...reasons].join('\n'), /^BTZ_FORBIDDEN: [^\n]*inner-1$/)
    t.is(await resendDeadLetters(bus), lost.batches.length)
    t.is(await resendDeadLetters(bus), 0)
  })
  await until(async () => (await framesOf(lost.id)).length === lost.batches.length, { limitMs })
  t.deepEqual(await framesOf(lost.id), hex(lost.batches))
  t.is((await relay().relay.status()).deadLetters, 0)
})

test('an agent that is revoked is refused by its relay as soon as that has heard of it, and after a restart without a link', async (t) => {
  const { ask, behind, central, heard, link, restart } = await setUp(t)
  t.is((await ask(behind, heartbeatOf('inner-1'))).status, 200)
  await central.enrolments.revoke('inner-1')
  await heard()
  t.is((await ask(behind, events(eventOf('inner-1')))).status, 401)
  link.set('cut')
  await restart()
  const { status, body } = await ask(behind, heartbeatOf('inner-1'))
  t.is(status, 401)
  t.regex(String(body.detail), /was revoked/)
})

const asJson = (path: string, body: object) => ({ path, body: JSON.stringify(body) })
const enrolment = (bastion: string, code: string) => {
  const { key, publicKey } = newAgentKey()
  return { key, asked: asJson('/api/agents/enrol', { bastion, code, publicKey, keyId: null }) }
}
const behindRelay = { via: relayName as never, relayNames: null }

test('an agent enrols and rotates through the relay its code was made for, and by no other way', async (t) => {
  const { ask, central } = await setUp(t)
  const { code } = await central.codes.issue('inner-9', 60_000, 'ann', behindRelay)
  const { key, asked } = enrolment('inner-9', code)
  t.is((await overHttp2(central.url, { ca: central.ca }, asked)).status, 401, 'not without the relay')
  const { status, body } = await ask({ ca: central.ca }, asked)
  t.is(status, 201)
  t.is((await ask({ ca: central.ca }, asked)).status, 401, 'good once')
  const first = { ca: central.ca, key, cert: String(body.certificate) }
  t.like((await ask(first, { method: 'GET', path: '/api/agents/certificate' })).body, { bastion: 'inner-9' })
  t.like((await ask(first, events(eventOf('inner-9')))).body, { accepted: 1 })

  const next = newAgentKey()
  const renewed = await ask(first, asJson('/api/agents/certificate', { publicKey: next.publicKey }))
  t.is(renewed.status, 201)
  const second = { ca: central.ca, key: next.key, cert: String(renewed.body.certificate) }
  t.is((await ask(second, { method: 'GET', path: '/api/agents/certificate' })).status, 200)
  t.like((await ask(second, events(eventOf('inner-9')))).body, { accepted: 1 })
  const standing = (await central.enrolments.list()).find(({ bastion }) => bastion === 'inner-9')!
  t.like(standing.way, { via: relayName })
  t.deepEqual(
    standing.certificates.map(({ revokedAtMs }) => revokedAtMs !== null),
    [true, false],
  )

  const { code: direct } = await central.codes.issue('inner-8', 60_000, 'ann')
  t.is((await ask({ ca: central.ca }, enrolment('inner-8', direct).asked)).status, 401)
})

test('without a link nobody is enrolled, and the reason is told', async (t) => {
  const { ask, central, link } = await setUp(t)
  const { code } = await central.codes.issue('inner-9', 60_000, 'ann', behindRelay)
  const { asked } = enrolment('inner-9', code)
  link.set('cut')
  const { status, body, headers } = await ask({ ca: central.ca }, asked)
  t.deepEqual([status, body.code], [503, 'BTZ_UNAVAILABLE'])
  t.regex(String(body.detail), /does not reach the receiver/)
  t.true(Number(headers['retry-after']) > 0)
  link.set('up')
  t.is((await ask({ ca: central.ca }, asked)).status, 201, 'the code is as good as before')
})

test('an order reaches an agent behind a relay within the answer that is held, and what is evidence is told', async (t) => {
  const { ask, behind, central } = await setUp(t)
  const { id } = sessionOf('inner-1')
  const row = {
    sessionId: id,
    key: id,
    startNs: 0n,
    endNs: 1n,
    firstAtMs: 1,
    lastAtMs: 2,
    sizeBytes: 9,
    chainHash: 'aa',
  }
  await central.catalog.putBlock({ ...row, seals: false, firstSeq: 0, lastSeq: 7 })
  const openSessions = [{ sessionId: id, lastSeq: 9 }]
  const waiting = ask(behind, heartbeatOf('inner-1', { waitMs: 10_000, openSessions }))
  await until(async () => (await central.heartbeats.lastMs('inner-1')) !== null, { limitMs })
  const startMs = Date.now()
  await central.orders.terminate({ bastion: 'inner-1', sessionId: id, text: 'ended by the SOC' })
  const { body } = await waiting
  t.true(Date.now() - startMs < 8_000)
  t.like(body, { orders: [{ text: 'ended by the SOC' }], evidence: [{ sessionId: id, durableSeq: 7 }] })
})

test('the relay that is gone from the list speaks no more, and sends what it kept once it is enrolled again', async (t) => {
  const { ask, behind, central, relay, framesOf, tls, enrolAgain } = await setUp(t)
  await central.enrolments.revoke(relayName)
  t.is((await overHttp2(central.url, tls, heartbeatOf(relayName))).status, 401)
  const { id, batches } = sessionOf('inner-1')
  t.is((await ask(behind, upload(batches))).status, 200, 'the agents behind it go on')
  await until(async () => (await relay().relay.status()).waiting === 4, { limitMs })
  t.deepEqual(await framesOf(id), [])
  await enrolAgain()
  await until(async () => (await relay().relay.status()).waiting === 0, { limitMs })
  t.deepEqual(await framesOf(id), hex(batches))
})
