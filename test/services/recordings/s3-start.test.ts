import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import test, { type ExecutionContext } from 'ava'
import { systemClock } from '#services/clock.ts'
import { hasCode } from '#services/errors.ts'
import { setUpBucket } from '#services/recordings/s3-bucket.ts'
import { inspectS3 } from '#services/recordings/s3-inspect.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openS3Store, rawS3, type S3Settings, s3Bucket, s3Settings } from '#test/helpers/open-s3-recording-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createS3Proxy, type Rule } from './s3-proxy.ts'

const key = 'evidence/v1/2026-01-02/s1/000000000000'
const retainUntil = new Date('2031-01-01T00:00:00Z')

const refusedStart = async (t: ExecutionContext<unknown>, config: S3Settings, code: string, message: RegExp) => {
  await t.throwsAsync(openS3Store(config), { code, message })
  const findings = await inspectS3(config, systemClock)
  t.true(
    findings.some(({ ok, detail }) => !ok && message.test(detail)),
    JSON.stringify(findings),
  )
}

onServices(test, (services) => {
  const lyingStore = async (t: ExecutionContext<unknown>, rule: Rule) => {
    const config = await s3Bucket(t, services)
    const { endpoint } = await createS3Proxy(t, config.endpoint!, rule)
    return { ...config, endpoint }
  }

  test('the set-up makes a bucket that locks, once, and leaves one that is there as it is', async (t) => {
    const config = await s3Settings(t, services)
    t.is(await setUpBucket(config), 'created')
    t.is(await setUpBucket(config), 'present')
    const store = await openS3Store(config)
    await store.close()
  })

  test('set-ups that run at the same time all end well', async (t) => {
    const config = await s3Settings(t, services)
    const made = await Promise.all([1, 2, 3].map(() => setUpBucket(config)))
    t.true(made.includes('created'))
  })

  test('a bucket without versioning is refused, by the set-up too, which leaves it alone', async (t) => {
    const config = await s3Settings(t, services)
    await rawS3(t, services).send(new CreateBucketCommand({ Bucket: config.bucket }))
    await t.throwsAsync(setUpBucket(config), { code: 'BTZ_RECORDING_UNLOCKED' })
    await refusedStart(t, config, 'BTZ_RECORDING_UNLOCKED', /versioning is never enabled/)
  })

  test('a bucket with versioning but without Object Lock is refused', async (t) => {
    const config = await s3Settings(t, services)
    const raw = rawS3(t, services)
    await raw.send(new CreateBucketCommand({ Bucket: config.bucket }))
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await raw.send(new PutBucketVersioningCommand({ Bucket: config.bucket, VersioningConfiguration }))
    await t.throwsAsync(setUpBucket(config), { code: 'BTZ_RECORDING_UNLOCKED' })
    await refusedStart(t, config, 'BTZ_RECORDING_UNLOCKED', /Object Lock is not enabled/)
  })

  test('a bucket that is not there is refused', async (t) => {
    await refusedStart(t, await s3Settings(t, services), 'BTZ_RECORDINGS_MISCONFIGURED', /NoSuchBucket/)
  })

  test('wrong credentials are refused, and the secret is in no message', async (t) => {
    const config = await s3Bucket(t, services)
    const file = join(await temporaryFolder(t), 'secret')
    await writeFile(file, 'not-the-secret-key')
    const wrong = { ...config, secretAccessKeyFile: file }
    const error = await t.throwsAsync(openS3Store(wrong), { code: 'BTZ_RECORDINGS_MISCONFIGURED' })
    t.notRegex(
      `${error?.message} ${error?.stack} ${JSON.stringify(await inspectS3(wrong, systemClock))}`,
      /not-the-secret/,
    )
  })

  test('a secret file that is missing, empty or alone is refused with its name', async (t) => {
    const config = await s3Settings(t, services)
    const empty = join(await temporaryFolder(t), 'empty')
    await writeFile(empty, '\n')
    await chmod(empty, 0o600)
    for (const wrong of [
      { ...config, secretAccessKeyFile: '/nowhere/secret' },
      { ...config, secretAccessKeyFile: empty },
      { ...config, accessKeyId: undefined },
    ]) {
      await refusedStart(t, wrong, 'BTZ_CONFIG_INVALID', /secretAccessKeyFile/)
    }
  })

  test('a store that nobody answers for is unavailable, not refused for good', async (t) => {
    const config = { ...(await s3Settings(t, services)), endpoint: 'http://127.0.0.1:9' }
    await refusedStart(t, config, 'BTZ_UNAVAILABLE', /ECONNREFUSED/)
  })

  test('however many processes start in a day, the self-test leaves one object', async (t) => {
    const config = await s3Bucket(t, services)
    for (let n = 0; n < 3; n++) await (await openS3Store(config)).close()
    const list = new ListObjectVersionsCommand({ Bucket: config.bucket })
    const { Versions, DeleteMarkers = [] } = await rawS3(t, services).send(list)
    t.is(Versions?.length, 1)
    t.deepEqual(DeleteMarkers, [])
    t.regex(Versions![0]!.Key!, /^self-test\/v0\/\d{4}-\d\d-\d\d$/)
  })

  test('a delete marker over the object of the self-test does not stop a start', async (t) => {
    const config = await s3Bucket(t, services)
    await (await openS3Store(config)).close()
    const Key = `self-test/v0/${new Date().toISOString().slice(0, 10)}`
    await rawS3(t, services).send(new DeleteObjectCommand({ Bucket: config.bucket, Key }))
    const store = await openS3Store(config)
    t.is((await store.put(key, Buffer.from('x'), { retainUntil })).sizeBytes, 1)
    await store.close()
  })

  test('a healthy store has only good findings', async (t) => {
    const findings = await inspectS3(await s3Bucket(t, services), systemClock)
    t.deepEqual(
      findings.map(({ check, ok, skipped }) => [check, ok, skipped]),
      ['s3 bucket', 's3 clock', 's3 lock', 's3 list'].map((check) => [check, true, undefined]),
    )
  })

  test('a store that says yes to a shorter lock is refused (a proxy before the real one turns its refusal into a yes)', async (t) => {
    const config = await lyingStore(t, ({ method, query }) =>
      method === 'PUT' && query.has('retention')
        ? ({ headers: { date } }) => ({ status: 200, headers: { date }, body: Buffer.alloc(0) })
        : null,
    )
    await refusedStart(t, config, 'BTZ_RECORDING_UNLOCKED', /a lock could be shortened/)
  })

  test('a store that says yes to a delete is refused (a proxy before the real one turns its refusal into a yes)', async (t) => {
    const config = await lyingStore(t, ({ method }) =>
      method === 'DELETE'
        ? ({ headers: { date } }) => ({ status: 204, headers: { date }, body: Buffer.alloc(0) })
        : null,
    )
    await refusedStart(t, config, 'BTZ_RECORDING_UNLOCKED', /a locked version could be deleted/)
  })

  test('a store that takes the lock headers and shows no lock is refused (a proxy before the real one hides the lock)', async (t) => {
    const config = await lyingStore(t, ({ method, query }) => {
      if (method === 'GET' && query.has('retention')) return { status: 404, code: 'NoSuchObjectLockConfiguration' }
      if (method !== 'HEAD') return null
      return (answer) => {
        const shown = Object.entries(answer.headers).filter(([name]) => !name.startsWith('x-amz-object-lock'))
        return { ...answer, headers: Object.fromEntries(shown) }
      }
    })
    await refusedStart(t, config, 'BTZ_RECORDING_UNLOCKED', /no lock/)
  })

  test('a store whose self-test is answered with 503 is unavailable, not trusted (a proxy before the real one answers)', async (t) => {
    const config = await lyingStore(t, ({ method }) => (method === 'DELETE' ? { status: 503, code: 'SlowDown' } : null))
    const error = await t.throwsAsync(openS3Store(config))
    t.true(hasCode(error, 'BTZ_UNAVAILABLE'))
  })

  test('a store that refuses every change of a lock proves nothing by refusing a shorter one: nothing is put (a proxy before the real one refuses)', async (t) => {
    const config = await lyingStore(t, ({ method, query }) =>
      method === 'PUT' && query.has('retention') ? { status: 403, code: 'AccessDenied' } : null,
    )
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    const misconfigured = { code: 'BTZ_RECORDINGS_MISCONFIGURED' }
    await t.throwsAsync(store.put(key, Buffer.from('x'), { retainUntil }), misconfigured)
    t.is(await store.head(key), null)
  })
})
