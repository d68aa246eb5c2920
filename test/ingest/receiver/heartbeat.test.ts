import test from 'ava'
import { durableSeq } from '#ingest/receiver/durable-seqs.ts'
import { createOrders } from '#ingest/receiver/orders.ts'
import type { SessionId } from '#services/schema/ids.ts'
import { type Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'
import { closeSharedCatalog, manualClock } from '#test/helpers/ingest-backends.ts'
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
  const { call, catalog, receiver } = await serveReceiver(t)
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
  t.is(receiver.lastHeartbeatMs('bastion-1'), null)
  t.deepEqual((await answerOf(await call('PUT', path, heartbeat()))).evidence, [{ sessionId, durableSeq: 7 }])
  t.true(Math.abs((receiver.lastHeartbeatMs('bastion-1') ?? 0) - Date.now()) < 60_000)
})

test('an order reaches an agent that waits, at once', async (t) => {
  const { call, receiver } = await serveReceiver(t)
  const startMs = Date.now()
  const waiting = call('PUT', path, heartbeat({ waitMs: 10_000 }))
  await until(() => receiver.lastHeartbeatMs('bastion-1') !== null)
  receiver.terminate(order)
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
  const { url, secrets, call, receiver } = await serveReceiver(t)
  const aborted = AbortSignal.timeout(100)
  const headers = { authorization: `Bearer ${secrets.bastion}` }
  await t.throwsAsync(
    fetch(url + path, { method: 'PUT', headers, body: heartbeat({ waitMs: 5_000 }), signal: aborted }),
  )
  receiver.terminate(order)
  t.is((await answerOf(await call('PUT', path, heartbeat()))).orders.length, 1)
})

test('a heartbeat of another bastion, or a malformed one, is refused', async (t) => {
  const { call } = await serveReceiver(t)
  t.is((await call('PUT', path, heartbeat({ bastion: 'bastion-2' }))).status, 403)
  t.is((await call('PUT', path, '{')).status, 400)
  t.is((await call('PUT', path, heartbeat({ waitMs: 60_000 }))).status, 400)
})

test('an order is repeated until its session is no longer open, and not for ever', (t) => {
  const clock = manualClock()
  const orders = createOrders(clock)
  const beat = (open: boolean): Pick<Heartbeat, 'bastion' | 'openSessions'> => ({
    bastion: 'bastion-1' as Heartbeat['bastion'],
    openSessions: open ? [{ sessionId, lastSeq: 1 }] : [],
  })
  orders.terminate(order)
  const [first] = orders.take(beat(false))
  t.truthy(first)
  t.deepEqual(orders.take(beat(true)), [first!])
  t.deepEqual(orders.take(beat(false)), [])
  t.deepEqual(orders.take(beat(true)), [])
  orders.terminate(order)
  clock.advance(60_000)
  t.deepEqual(orders.take(beat(true)), [])
})

test('orders are bounded', (t) => {
  const orders = createOrders(manualClock())
  for (let n = 0; n < 1_000; n++) orders.terminate(order)
  t.throws(() => orders.terminate(order), { code: 'BTZ_UNAVAILABLE' })
  orders.terminate({ ...order, bastion: 'bastion-2' })
})

test('evidence counts up to the first gap', (t) => {
  t.is(durableSeq([]), null)
  t.is(durableSeq([{ firstSeq: 1, lastSeq: 5 }]), null)
  t.is(
    durableSeq([
      { firstSeq: 6, lastSeq: 9 },
      { firstSeq: 0, lastSeq: 5 },
    ]),
    9,
  )
  t.is(
    durableSeq([
      { firstSeq: 0, lastSeq: 5 },
      { firstSeq: 7, lastSeq: 9 },
    ]),
    5,
  )
})
