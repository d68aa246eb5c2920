import { randomBytes } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import test from 'ava'
import { onServices } from '#test/helpers/cluster.ts'
import { openS3Store, rawS3, type S3Settings, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'
import { createS3Proxy, type Rule } from './s3-proxy.ts'

const key = 'evidence/v1/2026-01-02/s1/000000000000'
const retainUntil = new Date('2031-01-01T00:00:00Z')
const MiB = 1024 * 1024
const yearsAhead = (years: number, ms = 0) => {
  const date = new Date(Date.now() + ms)
  date.setUTCFullYear(date.getUTCFullYear() + years)
  return date
}

onServices(test, (services) => {
  const versionsAt = async (t: Parameters<typeof rawS3>[0], { bucket }: S3Settings, Prefix: string) => {
    const answer = await rawS3(t, services).send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix }))
    return answer.Versions ?? []
  }

  test('every put is locked in COMPLIANCE mode until its date, and the store has its SHA-256', async (t) => {
    const config = await s3Bucket(t, services)
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    await store.put(key, Buffer.from('abc'), { retainUntil })
    const raw = rawS3(t, services)
    const at = { Bucket: config.bucket, Key: key }
    const { Retention } = await raw.send(new GetObjectRetentionCommand(at))
    t.deepEqual(Retention, { Mode: 'COMPLIANCE', RetainUntilDate: retainUntil })
    const head = await raw.send(new HeadObjectCommand({ ...at, ChecksumMode: 'ENABLED' }))
    t.is(head.ChecksumSHA256, 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=')
  })

  test('a date with milliseconds is kept to the next second, never shorter', async (t) => {
    const store = await openS3Store(await s3Bucket(t, services))
    t.teardown(() => store.close())
    const put = await store.put(key, Buffer.from('x'), { retainUntil: new Date('2031-01-01T00:00:00.001Z') })
    t.deepEqual(put.retainUntil, new Date('2031-01-01T00:00:01Z'))
    await store.extendRetention(key, new Date('2032-01-01T00:00:00.999Z'))
    t.deepEqual((await store.head(key))?.retainUntil, new Date('2032-01-01T00:00:01Z'))
  })

  test('a retention beyond the allowed years is refused before anything is written', async (t) => {
    const config = await s3Bucket(t, services)
    const store = await openS3Store(config, { maxRetentionYears: 2 })
    t.teardown(() => store.close())
    const tooLong = { code: 'BTZ_RETENTION_TOO_LONG' }
    await t.throwsAsync(store.put(key, Buffer.from('x'), { retainUntil: yearsAhead(2, 60_000) }), tooLong)
    t.deepEqual(await versionsAt(t, config, 'evidence/'), [])
    const allowed = yearsAhead(2, -60_000)
    await store.put(key, Buffer.from('x'), { retainUntil: allowed })
    await t.throwsAsync(store.extendRetention(key, yearsAhead(2, 60_000)), tooLong)
    t.true((await store.head(key))!.retainUntil!.getTime() - allowed.getTime() < 1000)
  })

  test('a body of several parts is put once, locked, and read back whole and in ranges', async (t) => {
    const config = await s3Bucket(t, services)
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    const bytes = randomBytes(33 * MiB)
    t.like(await store.put(key, bytes, { retainUntil }), { sizeBytes: bytes.length, retainUntil })
    t.true(bytes.equals(await store.get(key)))
    const across = await store.get(key, { start: 16 * MiB - 5, length: 10 })
    t.deepEqual(Buffer.from(across), bytes.subarray(16 * MiB - 5, 16 * MiB + 5))
    await t.throwsAsync(store.put(key, randomBytes(17 * MiB), { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
    t.true(bytes.equals(await store.get(key)))
    const head = await rawS3(t, services).send(
      new HeadObjectCommand({ Bucket: config.bucket, Key: key, ChecksumMode: 'ENABLED' }),
    )
    t.regex(head.ChecksumSHA256!, /-3$/)
  })

  test('of 6 racers with several parts exactly one wins', async (t) => {
    const config = await s3Bucket(t, services)
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    const racers = Array.from({ length: 6 }, (_, n) => Buffer.alloc(16 * MiB + 1 + n, n))
    const results = await Promise.allSettled(racers.map((bytes) => store.put(key, bytes, { retainUntil })))
    const winners = results.flatMap((result, n) => (result.status === 'fulfilled' ? [n] : []))
    t.is(winners.length, 1)
    t.true(racers[winners[0]!]!.equals(await store.get(key)))
    const uploads = new ListMultipartUploadsCommand({ Bucket: config.bucket })
    t.deepEqual((await rawS3(t, services).send(uploads)).Uploads ?? [], [], 'no parts are left behind')
  })

  test('a 5 MiB block for a key that is taken is told so, not that the connection broke', async (t) => {
    const store = await openS3Store(await s3Bucket(t, services))
    t.teardown(() => store.close())
    await store.put(key, Buffer.from('first'), { retainUntil })
    await t.throwsAsync(store.put(key, randomBytes(5 * MiB), { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
  })

  test('of 24 racers with the same bytes exactly one wins', async (t) => {
    const config = await s3Bucket(t, services)
    const stores = await Promise.all([openS3Store(config), openS3Store(config)])
    t.teardown(() => Promise.all(stores.map((store) => store.close())))
    const racers = Array.from({ length: 24 }, (_, n) => stores[n % 2]!.put(key, Buffer.from('same'), { retainUntil }))
    const results = await Promise.allSettled(racers)
    t.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const codes = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    t.deepEqual([...new Set(codes)], ['BTZ_RECORDING_EXISTS'])
    t.is((await versionsAt(t, config, key)).length, 1)
  })

  test('our bytes that a store left unlocked are locked by the next put of them', async (t) => {
    const config = await s3Bucket(t, services)
    const raw = rawS3(t, services)
    const at = { Bucket: config.bucket, Key: key }
    await raw.send(new PutObjectCommand({ ...at, Body: 'block', ChecksumAlgorithm: 'SHA256' }))
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    await t.throwsAsync(store.put(key, Buffer.from('block'), { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
    const { Retention } = await raw.send(new GetObjectRetentionCommand(at))
    t.deepEqual(Retention, { Mode: 'COMPLIANCE', RetainUntilDate: retainUntil })
  })

  test('a key above or below another is refused where the store keeps objects as files', async (t) => {
    const store = await openS3Store(await s3Bucket(t, services))
    t.teardown(() => store.close())
    await store.put(`${key}/x`, Buffer.from('x'), { retainUntil })
    await store.put(`${key}1`, Buffer.from('x'), { retainUntil })
    const invalid = { code: 'BTZ_RECORDING_KEY_INVALID' }
    await t.throwsAsync(store.put(key, Buffer.from('x'), { retainUntil }), invalid)
    await t.throwsAsync(store.put(`${key}1/x`, Buffer.from('x'), { retainUntil }), invalid)
  })

  test('a key that holds only a delete marker is taken', async (t) => {
    const config = await s3Bucket(t, services)
    const raw = rawS3(t, services)
    const at = { Bucket: config.bucket, Key: key }
    await raw.send(new PutObjectCommand({ ...at, Body: 'unlocked' }))
    const { VersionId } = await raw.send(new HeadObjectCommand(at))
    await raw.send(new DeleteObjectCommand(at))
    await raw.send(new DeleteObjectCommand({ ...at, VersionId }))
    const reported: string[] = []
    const store = await openS3Store(config, { onTampering: (tampering) => reported.push(tampering.key) })
    t.teardown(() => store.close())
    await t.throwsAsync(store.put(key, Buffer.from('ours'), { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
    t.deepEqual(reported, [key])
    t.is(await store.head(key), null)
    t.deepEqual(await store.list('evidence/', { limit: 5 }), [])
  })

  const behind = async (t: Parameters<typeof rawS3>[0], rule: Rule) => {
    const config = await s3Bucket(t, services)
    const { endpoint, asked } = await createS3Proxy(t, config.endpoint!, (request) =>
      request.key.startsWith('evidence/') ? rule(request) : null,
    )
    const store = await openS3Store({ ...config, endpoint })
    t.teardown(() => store.close())
    return { config, store, asked }
  }

  test('a put whose lock cannot be seen afterwards has failed (a proxy before the real store hides the lock)', async (t) => {
    const { store } = await behind(t, ({ method, query }) => {
      if (method === 'GET' && query.has('retention')) return { status: 404, code: 'NoSuchObjectLockConfiguration' }
      if (method !== 'HEAD') return null
      return (answer) => {
        const shown = Object.entries(answer.headers).filter(([name]) => !name.startsWith('x-amz-object-lock'))
        return { ...answer, headers: Object.fromEntries(shown) }
      }
    })
    await t.throwsAsync(store.put(key, Buffer.from('x'), { retainUntil }), { code: 'BTZ_RECORDING_UNLOCKED' })
  })

  test('a put of which the store has another checksum has failed (a proxy before the real store changes it)', async (t) => {
    const { store } = await behind(t, ({ method }) =>
      method !== 'HEAD'
        ? null
        : (answer) => ({ ...answer, headers: { ...answer.headers, 'x-amz-checksum-sha256': `${'A'.repeat(43)}=` } }),
    )
    await t.throwsAsync(store.put(key, Buffer.from('x'), { retainUntil }), { code: 'BTZ_EVIDENCE_CORRUPT' })
  })

  test('bytes that changed on the way to the store are refused by it (a proxy before the real store changes one)', async (t) => {
    const config = await s3Bucket(t, services)
    const proxy = await createS3Proxy(t, config.endpoint!, ({ method, key: name }) =>
      method === 'PUT' && name.startsWith('evidence/') ? 'changeBody' : null,
    )
    const store = await openS3Store({ ...config, endpoint: proxy.endpoint })
    t.teardown(() => store.close())
    await t.throwsAsync(store.put(key, Buffer.from('evidence'), { retainUntil }))
    t.deepEqual(await versionsAt(t, config, 'evidence/'), [])
  })

  test('bytes that changed in the store are not handed out (a proxy before the real store changes one)', async (t) => {
    const { store } = await behind(t, ({ method, query }) =>
      method !== 'GET' || query.has('retention')
        ? null
        : ({ status, headers, body }) => ({
            status,
            headers,
            body: Buffer.concat([body.subarray(1), Buffer.from('!')]),
          }),
    )
    await store.put(key, Buffer.from('evidence'), { retainUntil })
    await t.throwsAsync(store.get(key), { code: 'BTZ_EVIDENCE_CORRUPT' })
  })

  test('an object that is larger than listed, or has no known size, is not read into memory (a proxy before the real store changes the size)', async (t) => {
    const { store } = await behind(t, ({ method, query }) =>
      method !== 'GET' || query.has('retention')
        ? null
        : ({ status, headers, body }) => {
            const { 'content-length': _, ...rest } = headers
            return { status, headers: { ...rest, 'transfer-encoding': 'chunked' }, body }
          },
    )
    await store.put(key, Buffer.from('evidence'), { retainUntil })
    await t.throwsAsync(store.get(key), { code: 'BTZ_EVIDENCE_CORRUPT' })
  })

  test('more bytes than are ever read at once are not put', async (t) => {
    const store = await openS3Store(await s3Bucket(t, services))
    t.teardown(() => store.close())
    const huge = new Uint8Array(256 * MiB + 1)
    await t.throwsAsync(store.put(key, huge, { retainUntil }), { code: 'BTZ_PAYLOAD_TOO_LARGE' })
  })
})
