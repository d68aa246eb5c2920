import { randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import test, { type ExecutionContext } from 'ava'
import { onServices, type Services } from '#test/helpers/cluster.ts'
import { openS3Store, rawS3, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'

const key = 'evidence/v1/2026-01-02/s1/000000000000'
const next = 'evidence/v1/2026-01-02/s1/000000000007'
const retainUntil = new Date('2031-01-01T00:00:00Z')
const earlier = new Date('2027-06-01T00:00:00Z')
const forged = Buffer.from('forged')

type Target = { Bucket: string; Key: string; VersionId: string }
type Attack = (raw: S3Client, target: Target) => Promise<unknown>

/** One object and its neighbour, put by us, and what any other client needs to attack it. */
const storedTarget = async (t: ExecutionContext<unknown>, services: Services) => {
  const config = await s3Bucket(t, services)
  const raw = rawS3(t, services)
  const bytes = randomBytes(5000)
  const store = await openS3Store(config)
  await store.put(key, bytes, { retainUntil })
  await store.put(next, Buffer.from('next'), { retainUntil })
  await store.close()
  const at = { Bucket: config.bucket, Key: key }
  const { VersionId } = await raw.send(new HeadObjectCommand(at))
  return { config, raw, bytes, target: { ...at, VersionId: VersionId! } }
}

const reread = async (t: ExecutionContext<unknown>, { config, bytes }: Awaited<ReturnType<typeof storedTarget>>) => {
  const reported: string[] = []
  const store = await openS3Store(config, { onTampering: (tampering) => reported.push(tampering.key) })
  t.teardown(() => store.close())
  t.true(bytes.equals(await store.get(key)))
  t.deepEqual(Buffer.from(await store.get(key, { start: -10, length: 10 })), bytes.subarray(-10))
  const expected = { key, sizeBytes: bytes.length, retainUntil }
  t.like(await store.head(key), expected)
  const listed = await store.list('evidence/v1/2026-01-02/', { limit: 10 })
  t.deepEqual(
    listed.map((object) => object.key),
    [key, next],
  )
  t.like(listed[0]!, expected)
  await t.throwsAsync(store.put(key, forged, { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
  return reported
}

const retain = (Mode: 'COMPLIANCE' | 'GOVERNANCE', date: Date, BypassGovernanceRetention = false): Attack => {
  const request = { Retention: { Mode, RetainUntilDate: date }, BypassGovernanceRetention }
  return (raw, target) => raw.send(new PutObjectRetentionCommand({ ...target, ...request }))
}

const overwriteInParts: Attack = async (raw, { Bucket, Key }) => {
  const at = { Bucket, Key }
  const { UploadId } = await raw.send(new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'CRC32' }))
  const part = { ...at, UploadId, PartNumber: 1 }
  const { ETag, ChecksumCRC32 } = await raw.send(new UploadPartCommand({ ...part, Body: forged }))
  const Parts = [{ PartNumber: 1, ETag, ChecksumCRC32 }]
  await raw.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
}

const copyOnto: Attack = async (raw, { Bucket, Key }) => {
  await raw.send(new PutObjectCommand({ Bucket, Key: 'elsewhere', Body: forged }))
  await raw.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/elsewhere` }))
}

const lowerDefault: Attack = async (raw, target) => {
  const { Bucket } = target
  const ObjectLockEnabled = 'Enabled' as const
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 1 } }
  await raw.send(
    new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled, Rule } }),
  )
  await raw.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled } }))
  await raw.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true }))
}

const batchDelete: Attack = async (raw, { Bucket, Key, VersionId }) => {
  const request = { Bucket, Delete: { Objects: [{ Key, VersionId }] }, BypassGovernanceRetention: true }
  const { Errors = [] } = await raw.send(new DeleteObjectsCommand(request))
  if (Errors.length > 0) throw Object.assign(new Error(Errors[0]!.Message), { $metadata: { httpStatusCode: 403 } })
}

const refusedAttacks: Record<string, Attack> = {
  'delete the version': (raw, target) => raw.send(new DeleteObjectCommand(target)),
  'delete the version, bypassing governance': (raw, target) =>
    raw.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true })),
  'delete the version in a batch': batchDelete,
  'shorten the lock': retain('COMPLIANCE', earlier),
  'shorten the lock, bypassing governance': retain('COMPLIANCE', earlier, true),
  'turn COMPLIANCE into GOVERNANCE': retain('GOVERNANCE', retainUntil),
  'turn COMPLIANCE into GOVERNANCE, bypassing governance': retain('GOVERNANCE', retainUntil, true),
  'set an empty retention': (raw, target) => raw.send(new PutObjectRetentionCommand({ ...target, Retention: {} })),
  'suspend versioning': (raw, { Bucket }) =>
    raw.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } })),
  'switch Object Lock off': (raw, { Bucket }) =>
    raw.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: {} })),
  'delete the bucket': (raw, { Bucket }) => raw.send(new DeleteBucketCommand({ Bucket })),
  'put with a date in the past': (raw, { Bucket, Key }) => {
    const lock = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: new Date('2020-01-01T00:00:00Z') }
    return raw.send(new PutObjectCommand({ Bucket, Key, Body: forged, ...lock }))
  },
  'lower and drop the default of the bucket, then delete': lowerDefault,
}

const seenAttacks: Record<string, Attack> = {
  'put over it': (raw, { Bucket, Key }) => raw.send(new PutObjectCommand({ Bucket, Key, Body: forged })),
  'put over it in parts': overwriteInParts,
  'copy onto it': copyOnto,
  'put a delete marker over it': (raw, { Bucket, Key }) => raw.send(new DeleteObjectCommand({ Bucket, Key })),
  'put 20 versions and a delete marker over it': async (raw, { Bucket, Key }) => {
    for (let n = 0; n < 20; n++) await raw.send(new PutObjectCommand({ Bucket, Key, Body: `forged ${n}` }))
    await raw.send(new DeleteObjectCommand({ Bucket, Key }))
  },
  'put over it, locked for longer': (raw, { Bucket, Key }) => {
    const lock = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: new Date('2035-01-01T00:00:00Z') }
    return raw.send(new PutObjectCommand({ Bucket, Key, Body: forged, ...lock }))
  },
}

onServices(test, (services) => {
  for (const [name, attack] of Object.entries(refusedAttacks)) {
    test(`the owner of the bucket cannot ${name}, and the evidence stands`, async (t) => {
      const stored = await storedTarget(t, services)
      const error = await t.throwsAsync<Error & { $metadata?: { httpStatusCode?: number } }>(
        attack(stored.raw, stored.target),
      )
      const status = error?.$metadata?.httpStatusCode ?? 0
      t.true(status >= 400 && status < 500, `${status} ${error?.message}`)
      t.deepEqual(await reread(t, stored), [])
    })
  }

  for (const [name, attack] of Object.entries(seenAttacks)) {
    test(`the owner of the bucket may ${name}: what was put first is read, and the attack is reported once`, async (t) => {
      const stored = await storedTarget(t, services)
      await attack(stored.raw, stored.target)
      t.deepEqual(await reread(t, stored), [key])
    })
  }

  test('pages hold every key once, also where versions and delete markers lie over them', async (t) => {
    const config = await s3Bucket(t, services)
    const raw = rawS3(t, services)
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    const keys = ['a', 'b', 'c', 'd', 'e'].map((name) => `evidence/v1/2026-01-02/${name}`)
    for (const name of keys) await store.put(name, Buffer.from(name), { retainUntil })
    for (const Key of [keys[0]!, keys[2]!, keys[4]!]) {
      for (let n = 0; n < 3; n++) await raw.send(new PutObjectCommand({ Bucket: config.bucket, Key, Body: forged }))
      await raw.send(new DeleteObjectCommand({ Bucket: config.bucket, Key }))
    }
    for (const limit of [1, 2, 3, 50]) {
      const seen: string[] = []
      for (let page = await store.list('evidence/', { limit }); page.length > 0; ) {
        seen.push(...page.map((object) => object.key))
        page = await store.list('evidence/', { limit, after: seen.at(-1)! })
      }
      t.deepEqual(seen, keys, `limit ${limit}`)
    }
  })

  test('what somebody else put without a lock is read and reported, and the key is taken', async (t) => {
    const config = await s3Bucket(t, services)
    const raw = rawS3(t, services)
    await raw.send(new PutObjectCommand({ Bucket: config.bucket, Key: key, Body: forged }))
    const reported: string[] = []
    const store = await openS3Store(config, { onTampering: ({ detail }) => reported.push(detail) })
    t.teardown(() => store.close())
    await t.throwsAsync(store.put(key, Buffer.from('ours'), { retainUntil }), { code: 'BTZ_RECORDING_EXISTS' })
    t.deepEqual(Buffer.from(await store.get(key)), forged)
    t.is((await store.head(key))?.retainUntil, null)
    t.deepEqual(reported, ['it is not locked in COMPLIANCE mode'])
  })

  test('the oldest version that is locked is read, not an older one without a lock', async (t) => {
    const config = await s3Bucket(t, services)
    const raw = rawS3(t, services)
    const at = { Bucket: config.bucket, Key: key }
    const lock = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: retainUntil }
    await raw.send(new PutObjectCommand({ ...at, Body: forged }))
    await raw.send(new PutObjectCommand({ ...at, Body: 'evidence', ...lock }))
    await raw.send(new PutObjectCommand({ ...at, Body: 'forged later', ...lock }))
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    t.is(Buffer.from(await store.get(key)).toString(), 'evidence')
  })

  test('keys that are none of ours are not listed, whatever they are made of', async (t) => {
    const config = await s3Bucket(t, services)
    const raw = rawS3(t, services)
    const store = await openS3Store(config)
    t.teardown(() => store.close())
    await store.put('evidence/v1/z', Buffer.from('ours'), { retainUntil })
    for (const name of ['a b', 'a+b', 'a%41', 'é', 'a&<b', '%zz', 'line\nbreak']) {
      await raw.send(new PutObjectCommand({ Bucket: config.bucket, Key: `evidence/v1/${name}`, Body: forged }))
    }
    for (const limit of [1, 10]) {
      const listed = await store.list('evidence/v1/', { limit })
      t.deepEqual(
        listed.map((object) => object.key),
        ['evidence/v1/z'],
      )
    }
  })
})
