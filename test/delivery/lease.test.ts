import { join } from 'node:path'
import test from 'ava'
import { createCursorStore, newCursor } from '#delivery/cursor.ts'
import { holdLease } from '#delivery/lease.ts'
import { retryDelayMs } from '#delivery/retry-delay.ts'
import { Config } from '#services/config.ts'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { commandEvent, fastClock, newPlace, produceEvents, startDelivery } from './place.ts'

test('a lease is one process at a time; it passes on when given back, and when its holder is silent', async (t) => {
  const { state } = await newPlace(t)
  const time = fastClock(100)
  const options = { state, key: 'lease', ttlMs: 30_000, ...time }
  const ended = new AbortController()
  t.teardown(() => ended.abort())
  const first = (await holdLease({ ...options, holder: 'first' }, ended.signal))!
  let second = await Promise.race([
    holdLease({ ...options, holder: 'second' }, AbortSignal.timeout(1_000)),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), 1_500)),
  ])
  t.is(second, null)
  await first.release()
  second = (await holdLease({ ...options, holder: 'second' }, ended.signal))!
  t.false(second.lost.aborted)
  // Silent: another one writes over it, as it would after the time is over.
  await state.put('lease', { holder: 'third' })
  await until(() => second.lost.aborted, { limitMs: 30_000 })
  const fourth = (await holdLease({ ...options, holder: 'fourth' }, ended.signal))!
  t.false(fourth.lost.aborted)
  await fourth.release()
})

test('who lost a destination to another process cannot write its cursor', async (t) => {
  const { state } = await newPlace(t)
  const [one, other] = [createCursorStore(state, 'cursor'), createCursorStore(state, 'cursor')]
  const cursor = await one.load('bus')
  await other.load('bus')
  await one.save(cursor)
  await one.save({ ...cursor, nextSeq: 2 })
  await t.throwsAsync(other.save(newCursor('bus')), { code: 'BTZ_STATE_CONFLICT' })
})

test('several processes of a cluster number what a destination gets without a gap, also when one of them ends', async (t) => {
  const { bus, state, folder } = await newPlace(t)
  const path = join(folder, 'siem.ndjson')
  const sinks = [{ name: 'siem', type: 'file', send: { events: 'all' }, path, batch: { items: 10, waitMs: 5 } }]
  const config = { ...Config.parse({ bastion: 'b1', sinks }), backend: 'cluster' as const }
  const time = fastClock(20)
  const first = await startDelivery(t, { bus, state }, sinks, { config, ...time })
  const lines = () => wholeLines(path)
  await produceEvents(
    bus,
    Array.from({ length: 100 }, (_, n) => commandEvent(n)),
  )
  await until(async () => (await lines()).length > 0, { limitMs: 30_000 })
  await startDelivery(t, { bus, state }, sinks, { config, ...time })
  await produceEvents(
    bus,
    Array.from({ length: 100 }, (_, n) => commandEvent(100 + n)),
  )
  await first.close()
  await produceEvents(
    bus,
    Array.from({ length: 100 }, (_, n) => commandEvent(200 + n)),
  )
  await until(async () => (await lines()).length >= 300, { limitMs: 30_000 })
  const got = (await lines()).map((line) => (JSON.parse(line) as { event: { id: string; sequence: number } }).event)
  t.deepEqual(
    got.map(({ sequence }) => sequence),
    Array.from({ length: 300 }, (_, n) => n + 1),
  )
  t.is(new Set(got.map(({ id }) => id)).size, 300)
})

test('attempts become rarer, never come before the destination asked for, and never wait longer than an hour', (t) => {
  t.true(retryDelayMs(1, null, 0.999) <= 500)
  t.true(retryDelayMs(100, null, 0.999) <= 60_000)
  t.is(retryDelayMs(3, null, 0), 0)
  t.true(retryDelayMs(1, 20_000, 0) >= 20_000)
  t.true(retryDelayMs(1, 10 * 86_400_000, 0.999) <= 3_960_000)
})
