import test from 'ava'
import { pino } from 'pino'
import { createOrders } from '#services/agents/orders.ts'
import { systemClock } from '#services/clock.ts'
import type { SessionId } from '#services/schema/ids.ts'
import type { Heartbeat } from '#services/schema/uplink.ts'
import { manualClock } from '#test/helpers/ingest-backends.ts'
import { openState } from '#test/services/access/state-for-test.ts'

const log = pino({ level: 'silent' })
const sessionId = '018f0000-0000-7000-8000-000000000001' as SessionId
const order = { bastion: 'bastion-1', sessionId, text: 'ended by the SOC' }
const beat = (open: boolean): Pick<Heartbeat, 'bastion' | 'openSessions'> => ({
  bastion: 'bastion-1' as Heartbeat['bastion'],
  openSessions: open ? [{ sessionId, lastSeq: 1 }] : [],
})
const never = new AbortController().signal

test('an order is repeated until its session is no longer open, and not for ever', async (t) => {
  const { state } = await openState(t)
  const clock = manualClock()
  const orders = createOrders({ state, clock, log })
  await orders.terminate(order)
  const [first] = await orders.take(beat(false))
  t.truthy(first)
  t.deepEqual(await orders.take(beat(true)), [first!])
  t.deepEqual(await orders.take(beat(false)), [])
  t.deepEqual(await orders.take(beat(true)), [])
  await orders.terminate(order)
  clock.advance(60_000)
  t.deepEqual(await orders.take(beat(true)), [])
})

test('one bastion cannot fill the list of orders for the others', async (t) => {
  const { state } = await openState(t)
  const orders = createOrders({ state, clock: manualClock(), log })
  for (let n = 0; n < 200; n++) await orders.terminate(order)
  await t.throwsAsync(orders.terminate(order), { code: 'BTZ_UNAVAILABLE' })
  await orders.terminate({ ...order, bastion: 'bastion-2' })
  t.is((await orders.take({ ...beat(true), bastion: 'bastion-2' as Heartbeat['bastion'] })).length, 1)
})

test('an order given in another process wakes the answer that waits here, within a second', async (t) => {
  const { state } = await openState(t)
  const here = createOrders({ state, clock: systemClock, log })
  const elsewhere = createOrders({ state, clock: systemClock, log })
  t.teardown(here.close)
  const startMs = Date.now()
  const waiting = here.wait('bastion-1', 10_000, never)
  await elsewhere.terminate(order)
  await waiting
  t.true(Date.now() - startMs < 5_000)
  t.like((await here.take(beat(true)))[0], { type: 'terminate', sessionId, text: 'ended by the SOC' })
})

test('orders given at the same moment in many processes all arrive', async (t) => {
  const { state } = await openState(t)
  const all = Array.from({ length: 6 }, () => createOrders({ state, clock: systemClock, log }))
  await Promise.all(all.map((orders, n) => orders.terminate({ ...order, text: `order ${n}` })))
  const texts = (await all[0]!.take(beat(true))).map(({ text }) => text)
  t.deepEqual(texts.sort(), ['order 0', 'order 1', 'order 2', 'order 3', 'order 4', 'order 5'])
})
