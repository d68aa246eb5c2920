import { randomBytes } from 'node:crypto'
import { ListMultipartUploadsCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import test, { type ExecutionContext } from 'ava'
import { onServices } from '#test/helpers/cluster.ts'
import { openS3Store, rawS3, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'
import { type Asked, createS3Proxy, type Fate, type Rule } from './s3-proxy.ts'

const keyOf = (n: number) => `evidence/v1/2026-01-02/s1/${String(n).padStart(12, '0')}`
const key = keyOf(0)
const retainUntil = new Date('2031-01-01T00:00:00Z')
const MiB = 1024 * 1024
const unavailable = { status: 503, code: 'ServiceUnavailable' }

const isPut = ({ method, query }: Asked) => method === 'PUT' && query.size <= 1

/** The fate for the first `times` requests that match. */
const first = (times: number, matches: (asked: Asked) => boolean, fate: Fate): Rule => {
  let left = times
  return (asked) => (matches(asked) && left-- > 0 ? fate : null)
}

onServices(test, (services) => {
  /** `rule` holds for evidence, from the time when the store is open. */
  const behind = async (t: ExecutionContext<unknown>, rule: Rule) => {
    const config = await s3Bucket(t, services)
    const isEvidence = (asked: Asked) =>
      asked.key.startsWith('evidence/') || (asked.query.get('prefix') ?? '').startsWith('evidence/')
    const { endpoint, asked, connections } = await createS3Proxy(t, config.endpoint!, (each) =>
      isEvidence(each) ? rule(each) : null,
    )
    const store = await openS3Store({ ...config, endpoint })
    t.teardown(() => store.close())
    const versions = async () => {
      const list = new ListObjectVersionsCommand({ Bucket: config.bucket, Prefix: 'evidence/' })
      return (await rawS3(t, services).send(list)).Versions ?? []
    }
    return { config, store, asked, connections, versions }
  }

  test('503 twice to each request: put, read, list and extension succeed (a proxy before the real store answers)', async (t) => {
    const refusals = new Map<string, number>()
    const { store } = await behind(t, ({ method, key: name, query }) => {
      const id = `${method} ${name} ${query.toString()}`
      refusals.set(id, (refusals.get(id) ?? 0) + 1)
      return refusals.get(id)! <= 2 ? unavailable : null
    })
    await store.put(key, Buffer.from('x'), { retainUntil })
    t.is((await store.get(key)).length, 1)
    t.is((await store.list('evidence/', { limit: 5 })).length, 1)
    await store.extendRetention(key, new Date('2032-01-01T00:00:00Z'))
    t.deepEqual((await store.head(key))?.retainUntil, new Date('2032-01-01T00:00:00Z'))
  })

  test('503 for as long as it lasts: each put says "unavailable", and afterwards all is put, once (a proxy before the real store answers)', async (t) => {
    let isDown = true
    const { store, versions } = await behind(t, () => (isDown ? unavailable : null))
    const bodies = Array.from({ length: 5 }, (_, n) => Buffer.from(`block ${n}`))
    const put = (n: number) => store.put(keyOf(n), bodies[n]!, { retainUntil })
    for (const result of await Promise.allSettled(bodies.map((_, n) => put(n)))) {
      t.like(result, { status: 'rejected', reason: { code: 'BTZ_UNAVAILABLE' } })
    }
    t.deepEqual(await versions(), [])
    isDown = false
    await Promise.all(bodies.map((_, n) => put(n)))
    t.is((await versions()).length, 5)
    for (const [n, body] of bodies.entries()) t.true(body.equals(await store.get(keyOf(n))))
  })

  test('a put that was carried out and whose answer was lost is ours, once (a proxy before the real store cuts the connection)', async (t) => {
    const { store, versions } = await behind(t, first(1, isPut, 'loseAnswer'))
    t.like(await store.put(key, Buffer.from('x'), { retainUntil }), { sizeBytes: 1, retainUntil })
    t.is((await versions()).length, 1)
  })

  test('a put of which every answer is lost is ours, once (a proxy before the real store cuts the connection)', async (t) => {
    const { store, versions } = await behind(t, first(99, isPut, 'loseAnswer'))
    t.like(await store.put(key, Buffer.from('x'), { retainUntil }), { sizeBytes: 1 })
    t.is((await versions()).length, 1)
  })

  test('a lost answer about a key that somebody else has is no success, though the bytes are the same (a proxy before the real store cuts the connection)', async (t) => {
    const { config, store } = await behind(t, first(1, isPut, 'loseAnswer'))
    const other = await openS3Store(config)
    t.teardown(() => other.close())
    await other.put(key, Buffer.from('same'), { retainUntil })
    await t.throwsAsync(store.put(key, Buffer.from('same'), { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
  })

  test('of 24 racers with the same bytes exactly one wins while every second answer is lost (a proxy before the real store cuts the connection)', async (t) => {
    let count = 0
    const { store, versions } = await behind(t, (asked) => (isPut(asked) && count++ % 2 === 0 ? 'loseAnswer' : null))
    const racers = Array.from({ length: 24 }, () => store.put(key, Buffer.from('same'), { retainUntil }))
    const results = await Promise.allSettled(racers)
    t.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const codes = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    t.deepEqual([...new Set(codes)], ['BTZ_RECORDING_EXISTS'])
    t.is((await versions()).length, 1)
  })

  test('two conditional writes that collide are tried again (a proxy before the real store answers 409)', async (t) => {
    const { store } = await behind(t, first(2, isPut, { status: 409, code: 'ConditionalRequestConflict' }))
    t.is((await store.put(key, Buffer.from('x'), { retainUntil })).sizeBytes, 1)
  })

  test('a read that breaks off is read again (a proxy before the real store cuts the answer)', async (t) => {
    const isRead = ({ method, query }: Asked) => method === 'GET' && query.has('versionId') && !query.has('retention')
    const { store } = await behind(t, first(2, isRead, 'cutAnswer'))
    const bytes = randomBytes(200_000)
    await store.put(key, bytes, { retainUntil })
    t.true(bytes.equals(await store.get(key)))
  })

  test('a read that breaks off every time is unavailable (a proxy before the real store cuts the answer)', async (t) => {
    const isRead = ({ method, query }: Asked) => method === 'GET' && query.has('versionId') && !query.has('retention')
    const { store } = await behind(t, first(99, isRead, 'cutAnswer'))
    await store.put(key, randomBytes(200_000), { retainUntil })
    await t.throwsAsync(store.get(key), { code: 'BTZ_UNAVAILABLE' })
  })

  test('parts whose completion was carried out and the answer lost are ours, once (a proxy before the real store cuts the connection)', async (t) => {
    const isCompletion = ({ method, query }: Asked) => method === 'POST' && query.has('uploadId')
    const { store, versions } = await behind(t, first(1, isCompletion, 'loseAnswer'))
    const bytes = randomBytes(17 * MiB)
    t.like(await store.put(key, bytes, { retainUntil }), { sizeBytes: bytes.length })
    t.true(bytes.equals(await store.get(key)))
    t.is((await versions()).length, 1)
  })

  test('parts that cannot all be sent are taken back (a proxy before the real store answers 503 to the second)', async (t) => {
    const isSecond = ({ method, query }: Asked) => method === 'PUT' && query.get('partNumber') === '2'
    const { config, store } = await behind(t, first(99, isSecond, unavailable))
    await t.throwsAsync(store.put(key, randomBytes(17 * MiB), { retainUntil }), { code: 'BTZ_UNAVAILABLE' })
    const { Uploads = [] } = await rawS3(t, services).send(new ListMultipartUploadsCommand({ Bucket: config.bucket }))
    t.deepEqual(Uploads, [])
    t.is(await store.head(key), null)
  })

  test('an extension that the store refuses is told, and the lock stays as it was (a proxy before the real store answers 403)', async (t) => {
    const isExtension = ({ method, query }: Asked) => method === 'PUT' && query.has('retention')
    const { store, asked } = await behind(t, first(99, isExtension, { status: 403, code: 'AccessDenied' }))
    await store.put(key, Buffer.from('x'), { retainUntil })
    await t.throwsAsync(store.extendRetention(key, new Date('2032-01-01T00:00:00Z')), {
      code: 'BTZ_RECORDINGS_MISCONFIGURED',
      message: /AccessDenied/,
    })
    t.deepEqual((await store.head(key))?.retainUntil, retainUntil)
    t.is(asked.filter((each) => isExtension(each) && each.key === key).length, 1)
  })

  test('extensions of one lock go to the store one at a time, of several locks together', async (t) => {
    const inFlight = new Map<string, number>()
    let mostOfOne = 0
    let mostOfAll = 0
    const { store } = await behind(t, ({ method, query, key: name }) => {
      if (method !== 'PUT' || !query.has('retention')) return null
      inFlight.set(name, (inFlight.get(name) ?? 0) + 1)
      mostOfOne = Math.max(mostOfOne, inFlight.get(name)!)
      mostOfAll = Math.max(
        mostOfAll,
        [...inFlight.values()].reduce((sum, count) => sum + count),
      )
      return (answer) => {
        inFlight.set(name, inFlight.get(name)! - 1)
        return answer
      }
    })
    const keys = [0, 1, 2, 3].map(keyOf)
    await Promise.all(keys.map((name) => store.put(name, Buffer.from('x'), { retainUntil })))
    const dates = [2033, 2037, 2032, 2036, 2035].map((year) => new Date(Date.UTC(year, 0, 1)))
    await Promise.all(keys.flatMap((name) => dates.map((date) => store.extendRetention(name, date))))
    for (const name of keys) t.deepEqual((await store.head(name))?.retainUntil, dates[1])
    t.is(mostOfOne, 1)
    t.true(mostOfAll > 1)
  })

  test('a block is sent over a connection that is kept, without waiting for leave to send it', async (t) => {
    const { store, asked, connections } = await behind(t, () => null)
    for (let n = 0; n < 5; n++) await store.put(keyOf(n), randomBytes(3 * MiB), { retainUntil })
    t.deepEqual(
      asked.filter(({ headers }) => headers.expect !== undefined),
      [],
    )
    t.true(connections() <= 4, `${connections()} connections`)
  })

  test('however many calls come at once, the connections stay within their bound', async (t) => {
    const { store, connections } = await behind(t, () => null)
    await store.put(key, Buffer.from('x'), { retainUntil })
    await Promise.all(Array.from({ length: 300 }, () => store.get(key)))
    t.true(connections() <= 96, `${connections()} connections`)
  })
})
