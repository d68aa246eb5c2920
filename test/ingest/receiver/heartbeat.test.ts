import test from 'ava'
import type { SessionId } from '#services/schema/ids.ts'
import { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { eventsOf, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { newSigner } from '#test/helpers/origins.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const path = '/api/agents/heartbeat'
const sessionId = '018f0000-0000-7000-8000-000000000001' as SessionId
const heartbeat = (fields: object = {}): string =>
  JSON.stringify({
    bastion: 'bastion-1',
    version: '1',
    at: '2026-01-31T12:00:00.000Z',
    keyId: 'k',
    publicKey: 'p',
    waitMs: 0,
    openSessions: [{ sessionId, lastSeq: 3 }],
    spool: { usedBytes: 0, maxBytes: 1 },
    ...fields,
  })
const answerOf = async (response: Response) => HeartbeatAnswer.parse(await response.json())
const order = { bastion: 'bastion-1', sessionId, text: 'ended by the SOC' }

test('a heartbeat is answered with what stands as evidence of its sessions', async (t) => {
  const { call, catalog, heartbeats } = await serveReceiver(t)
  const row = {
    sessionId,
    startNs: 0n,
    endNs: 1n,
    firstAtMs: 1,
    lastAtMs: 2,
    sizeBytes: 9,
    chainHash: 'aa',
    seals: false,
  }
  await catalog.putBlock({ ...row, key: 'a', firstSeq: 0, lastSeq: 4 })
  await catalog.putBlock({ ...row, key: 'b', firstSeq: 5, lastSeq: 7 })
  t.is(await heartbeats.lastMs('bastion-1'), null)
  t.deepEqual((await answerOf(await call('PUT', path, heartbeat()))).evidence, [{ sessionId, durableSeq: 7 }])
  await until(async () => (await heartbeats.lastMs('bastion-1')) !== null)
  t.true(Math.abs((await heartbeats.lastMs('bastion-1'))! - Date.now()) < 600_000)
})

test('an order reaches an agent that waits, at once', async (t) => {
  const { call, heartbeats, orders: given } = await serveReceiver(t)
  const startMs = Date.now()
  const waiting = call('PUT', path, heartbeat({ waitMs: 10_000 }))
  await until(async () => (await heartbeats.lastMs('bastion-1')) !== null)
  await given.terminate(order)
  const { orders } = await answerOf(await waiting)
  t.true(Date.now() - startMs < 5_000)
  t.like(orders[0], { type: 'terminate', sessionId, text: 'ended by the SOC' })
})

test('an answer without an order is held as long as the agent asked, and no longer', async (t) => {
  const { call } = await serveReceiver(t)
  const startMs = Date.now()
  t.deepEqual((await answerOf(await call('PUT', path, heartbeat({ waitMs: 300 })))).orders, [])
  t.true(Date.now() - startMs >= 290)
})

test('an order whose answer nobody read is not lost', async (t) => {
  const { url, secrets, call, orders } = await serveReceiver(t)
  const aborted = AbortSignal.timeout(100)
  const headers = { authorization: `Bearer ${secrets.bastion}` }
  await t.throwsAsync(
    fetch(url + path, { method: 'PUT', headers, body: heartbeat({ waitMs: 5_000 }), signal: aborted }),
  )
  await orders.terminate(order)
  t.is((await answerOf(await call('PUT', path, heartbeat()))).orders.length, 1)
})

test('a heartbeat of another bastion, or a malformed one, is refused', async (t) => {
  const { call } = await serveReceiver(t)
  t.is((await call('PUT', path, heartbeat({ bastion: 'bastion-2' }))).status, 403)
  t.is((await call('PUT', path, '{')).status, 400)
  t.is((await call('PUT', path, heartbeat({ waitMs: 60_000 }))).status, 400)
})

test('the signing key that a heartbeat names is kept for the bastion of its token', async (t) => {
  const { call, agentKeys, bus } = await serveReceiver(t)
  const { publicKey, keyId } = newSigner('agent')
  const named = { keyId, publicKey: Buffer.from(publicKey).toString('base64') }
  t.is((await answerOf(await call('PUT', path, heartbeat(named)))).signingKey, 'registered')
  t.like(await agentKeys.find('bastion-1', keyId), { publicKey: named.publicKey, revokedAt: null })
  const foreign = newSigner('agent')
  const key = { keyId: foreign.keyId, publicKey: Buffer.from(foreign.publicKey).toString('base64') }
  t.is((await call('PUT', path, heartbeat({ bastion: 'bastion-2', ...key }))).status, 403)
  t.deepEqual(await agentKeys.list('bastion-2'), [])
  t.deepEqual(await recordsOf(bus, 'session-events'), [])
})

test('a key that is none, or not the one it is called, is not kept', async (t) => {
  const { call, agentKeys } = await serveReceiver(t)
  const { publicKey } = newSigner('agent')
  const text = Buffer.from(publicKey).toString('base64')
  for (const named of [
    { keyId: 'k', publicKey: 'p' },
    { keyId: newSigner('agent').keyId, publicKey: text },
  ])
    t.is((await answerOf(await call('PUT', path, heartbeat(named)))).signingKey, 'unknown')
  t.deepEqual(await agentKeys.list('bastion-1'), [])
})

test('another key than before is an event; a revoked one is answered as such', async (t) => {
  const { call, agentKeys, bus } = await serveReceiver(t)
  const [first, second] = [newSigner('agent'), newSigner('agent')]
  const beat = async ({ keyId, publicKey }: typeof first) =>
    (
      await answerOf(
        await call('PUT', path, heartbeat({ keyId, publicKey: Buffer.from(publicKey).toString('base64') })),
      )
    ).signingKey
  t.deepEqual([await beat(first), await beat(second), await beat(second)], ['registered', 'registered', 'registered'])
  const events = await eventsOf(bus)
  t.is(events.length, 1)
  t.like(events[0], {
    kind: 'posture',
    check: 'agent-signing-key',
    status: 'warn',
    bastion: 'bastion-1',
    detail: { keyId: second.keyId, otherKeyIds: [first.keyId] },
  })
  await agentKeys.revoke('bastion-1', second.keyId)
  t.deepEqual([await beat(first), await beat(second)], ['registered', 'revoked'])
})

test('an answer says what time it was here when the heartbeat came and when the answer left', async (t) => {
  const { call } = await serveReceiver(t)
  const beforeMs = Date.now()
  const { clock } = await answerOf(await call('PUT', path, heartbeat({ waitMs: 200 })))
  t.true(clock!.receivedAtMs >= beforeMs && clock!.answeredAtMs <= Date.now())
  t.true(clock!.answeredAtMs - clock!.receivedAtMs >= 190)
})

test('how an agent is, as it says in a heartbeat, can be listed; one of before is listed without', async (t) => {
  const { call, heartbeats, state } = await serveReceiver(t)
  const hook = {
    name: 'sudo',
    listening: false,
    since: '2026-01-31T12:00:00.000Z',
    lastEventAt: null,
    lastError: 'EMFILE',
  }
  const status = {
    version: '2',
    nodeVersion: 'v24',
    protocol: 1,
    openSessions: 1,
    sessions: [{ sessionId, lastSeq: 3 }],
    spoolShare: 0.5,
    spoolOldestMs: 9,
    clockOffsetMs: -7,
    hooks: [hook],
  }
  await state.put('heartbeats/bastion-0', { atMs: 1, version: '1' })
  t.is((await call('PUT', path, heartbeat({ version: '2', status }))).status, 200)
  await until(async () => (await heartbeats.list()).length === 2)
  const [before, now] = await heartbeats.list()
  t.deepEqual(before, { bastion: 'bastion-0', atMs: 1, version: '1' })
  t.like(now, { bastion: 'bastion-1', version: '2', status: status as object })
  t.is((await call('PUT', path, heartbeat({ status: { ...status, hooks: 'none' } }))).status, 400)
})
