import test from 'ava'
import fc from 'fast-check'
import { systemClock } from '#services/clock.ts'
import { inspectS3 } from '#services/recordings/s3-inspect.ts'
import { skewOf } from '#services/recordings/s3-store-clock.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openS3Store, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'
import { createS3Proxy } from './s3-proxy.ts'

const key = 'evidence/v1/2026-01-02/s1/000000000000'
const retainUntil = new Date('2031-01-01T00:00:00Z')
const skewed = { code: 'BTZ_CLOCK_SKEW' }
const minute = 60_000

test('a right clock is never called wrong, however slow the answer and whenever it is asked', (t) => {
  const ms = fc.integer({ min: 0, max: 100_000 })
  const property = fc.property(ms, ms, ms, ms, (startMs, outMs, backMs, laterMs) => {
    const sentMs = startMs
    const receivedMs = sentMs + outMs + backMs
    const wallAt = (nowMs: number) => 1_800_000_000_123 + nowMs
    const storeMs = Math.floor(wallAt(sentMs + outMs) / 1000) * 1000
    const nowMs = receivedMs + laterMs
    return skewOf({ sentMs, receivedMs, storeMs }, wallAt(nowMs), nowMs) === 0
  })
  t.notThrows(() => fc.assert(property))
})

test('a wrong clock is wrong by its error, less what the answer leaves open', (t) => {
  const sighting = { sentMs: 1000, receivedMs: 1200, storeMs: 50_000_000 }
  t.is(skewOf(sighting, 50_000_000 + 3_600_000, 1200), 3_600_000 - 1199)
  t.is(skewOf(sighting, 50_000_000 - 3_600_000, 1200), -3_600_000)
  t.is(skewOf(sighting, 50_000_000 + 90_000 + 5_000, 6200), 90_000 - 1199)
})

onServices(test, (services) => {
  for (const [name, aheadMs] of [
    ['ahead', 2 * minute],
    ['behind', -2 * minute],
  ] as const) {
    test(`a process whose clock is two minutes ${name} reads but puts nothing, until the clock is right`, async (t) => {
      const config = await s3Bucket(t, services)
      const other = await openS3Store(config)
      await other.put(key, Buffer.from('x'), { retainUntil })
      await other.close()
      let offMs: number = aheadMs
      const store = await openS3Store(config, { clock: { now: () => Date.now() + offMs } })
      t.teardown(() => store.close())
      t.is((await store.get(key)).length, 1)
      await t.throwsAsync(store.put(`${key}1`, Buffer.from('x'), { retainUntil }), skewed)
      await t.throwsAsync(store.extendRetention(key, new Date('2032-01-01T00:00:00Z')), skewed)
      t.is(await store.head(`${key}1`), null)
      offMs = 0
      t.is((await store.put(`${key}1`, Buffer.from('x'), { retainUntil })).sizeBytes, 1)
    })
  }

  test('a clock that jumps between two puts stops the second', async (t) => {
    let offMs = 0
    const store = await openS3Store(await s3Bucket(t, services), { clock: { now: () => Date.now() + offMs } })
    t.teardown(() => store.close())
    await store.put(key, Buffer.from('x'), { retainUntil })
    offMs = 24 * 60 * minute
    await t.throwsAsync(store.put(`${key}1`, Buffer.from('x'), { retainUntil }), skewed)
    t.is(await store.head(`${key}1`), null)
  })

  test('a store whose clock goes wrong stops the puts and shows in the findings (a proxy before the real store changes its dates)', async (t) => {
    const config = await s3Bucket(t, services)
    let offMs = 0
    const { endpoint } = await createS3Proxy(t, config.endpoint!, () => (answer) => {
      const date = new Date(Date.now() + offMs).toUTCString()
      return { ...answer, headers: { ...answer.headers, date } }
    })
    const store = await openS3Store({ ...config, endpoint })
    t.teardown(() => store.close())
    await store.put(key, Buffer.from('x'), { retainUntil })
    offMs = -5 * minute
    await store.get(key)
    await t.throwsAsync(store.put(`${key}1`, Buffer.from('x'), { retainUntil }), skewed)
    const findings = await inspectS3({ ...config, endpoint }, systemClock)
    t.like(
      findings.find(({ check }) => check === 's3 clock'),
      { ok: false },
    )
    t.is(
      findings.find(({ check }) => check === 's3 lock'),
      undefined,
    )
  })

  test('a store whose date was wrong once is asked again before a put is refused (a proxy before the real store changes one date)', async (t) => {
    const config = await s3Bucket(t, services)
    let wrongDates = 0
    const { endpoint } = await createS3Proxy(t, config.endpoint!, () => (answer) => {
      const date = new Date(Date.now() - (wrongDates-- > 0 ? 5 * minute : 0)).toUTCString()
      return { ...answer, headers: { ...answer.headers, date } }
    })
    const store = await openS3Store({ ...config, endpoint })
    t.teardown(() => store.close())
    wrongDates = 1
    t.is(await store.head(key), null)
    t.is((await store.put(key, Buffer.from('x'), { retainUntil })).sizeBytes, 1)
  })

  test('a self-test that a wrong clock put off is made up for before the first put (a proxy before the real store turns a refusal into a yes)', async (t) => {
    const config = await s3Bucket(t, services)
    const { endpoint } = await createS3Proxy(t, config.endpoint!, ({ method, query }) => {
      const yes = (answer: { headers: { date?: string | undefined } }) => {
        return { status: 200, headers: { date: answer.headers.date }, body: Buffer.alloc(0) }
      }
      return method === 'PUT' && query.has('retention') ? yes : null
    })
    let offMs = 10 * minute
    const store = await openS3Store({ ...config, endpoint }, { clock: { now: () => Date.now() + offMs } })
    t.teardown(() => store.close())
    offMs = 0
    await t.throwsAsync(store.put(key, Buffer.from('x'), { retainUntil }), {
      code: 'BTZ_RECORDING_UNLOCKED',
      message: /could be shortened/,
    })
    t.is(await store.head(key), null)
  })
})
