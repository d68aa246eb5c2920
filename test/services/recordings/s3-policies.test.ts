import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { inspectS3 } from '#services/recordings/s3-inspect.ts'
import { onServices, ownName } from '#test/helpers/cluster.ts'
import { type BucketRole, bucketRoles, guardedBucket } from '#test/helpers/guarded-bucket.ts'
import { openS3Store } from '#test/helpers/open-s3-recording-store.ts'
import { until } from '#test/helpers/until.ts'

const key = 'evidence/v1/2026-01-02/s1/000000000000'
const olderKey = 'evidence/v0/2026-01-02/s1/000000000001' // of a session that began before v1
const actKey = 'evidence/v1/acts/disposal/0192'
const retainUntil = new Date('2031-01-01T00:00:00Z')

type Target = { Bucket: string; Key: string; VersionId: string }
type Action = (client: S3Client, target: Target) => Promise<unknown>

const lock = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: retainUntil }
const retention = (RetainUntilDate: Date) => ({ Retention: { Mode: 'COMPLIANCE' as const, RetainUntilDate } })

const actions = {
  'put a locked object': (client, { Bucket }) =>
    client.send(new PutObjectCommand({ Bucket, Key: `${key}1`, Body: 'x', IfNoneMatch: '*', ...lock })),
  'put in parts and take them back': async (client, { Bucket }) => {
    const at = { Bucket, Key: `${key}2` }
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at, ...lock }))
    await client.send(new AbortMultipartUploadCommand({ ...at, UploadId }))
  },
  'extend a lock': (client, target) =>
    client.send(new PutObjectRetentionCommand({ ...target, ...retention(new Date('2032-01-01T00:00:00Z')) })),
  'read a version': (client, target) => client.send(new GetObjectCommand(target)),
  'see a version': (client, target) => client.send(new HeadObjectCommand(target)),
  'see a lock': (client, target) => client.send(new GetObjectRetentionCommand(target)),
  'list the versions of evidence': (client, { Bucket }) =>
    client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'evidence/v1/' })),
  'list all versions': (client, { Bucket }) => client.send(new ListObjectVersionsCommand({ Bucket })),
  'list other objects': (client, { Bucket }) => client.send(new ListObjectsV2Command({ Bucket, Prefix: 'other/' })),
  'put elsewhere in the bucket': (client, { Bucket }) =>
    client.send(new PutObjectCommand({ Bucket, Key: 'other/x', Body: 'x', ...lock })),
  'read elsewhere in the bucket': (client, { Bucket }) => client.send(new GetObjectCommand({ Bucket, Key: 'other/y' })),
  'copy evidence elsewhere': (client, { Bucket }) =>
    client.send(new CopyObjectCommand({ Bucket, Key: 'other/x', CopySource: `${Bucket}/${key}` })),
  'delete a version without a lock': (client, target) => client.send(new DeleteObjectCommand(target)),
  'delete a version in a batch': async (client, { Bucket, Key, VersionId }) => {
    const request = { Bucket, Delete: { Objects: [{ Key, VersionId }] } }
    const { Errors = [] } = await client.send(new DeleteObjectsCommand(request))
    if (Errors.length > 0) throw Object.assign(new Error(Errors[0]!.Message), { $metadata: { httpStatusCode: 403 } })
  },
  'put a delete marker': (client, { Bucket, Key }) => client.send(new DeleteObjectCommand({ Bucket, Key })),
  'bypass governance': (client, target) =>
    client.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true })),
  'put an object that is held': (client, { Bucket }) =>
    client.send(new PutObjectCommand({ Bucket, Key: `${key}3`, Body: 'x', ...lock, ObjectLockLegalHoldStatus: 'ON' })),
  'put a legal hold': (client, target) =>
    client.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: 'ON' } })),
  'lift a legal hold': (client, target) =>
    client.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: 'OFF' } })),
  'see a legal hold': (client, target) => client.send(new GetObjectLegalHoldCommand(target)),
  'put an act about a session': (client, { Bucket }) =>
    client.send(new PutObjectCommand({ Bucket, Key: 'evidence/v1/acts/0191/0192', Body: 'x', ...lock })),
  'put an act of disposal': (client, { Bucket }) =>
    client.send(new PutObjectCommand({ Bucket, Key: 'evidence/v1/acts/disposal/0193', Body: 'x', ...lock })),
  'delete an act without a lock': (client, { Bucket, VersionId }) =>
    client.send(new DeleteObjectCommand({ Bucket, Key: actKey, VersionId })),
  'suspend versioning': (client, { Bucket }) =>
    client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } })),
  'change the default lock': (client, { Bucket }) => {
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const }
    return client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
  },
  'replace the policy': (client, { Bucket }) =>
    client.send(new PutBucketPolicyCommand({ Bucket, Policy: '{"Version":"2012-10-17","Statement":[]}' })),
  'remove the policy': (client, { Bucket }) => client.send(new DeleteBucketPolicyCommand({ Bucket })),
  'delete the bucket': (client, { Bucket }) => client.send(new DeleteBucketCommand({ Bucket })),
  'make a bucket': (client) => client.send(new CreateBucketCommand({ Bucket: ownName() })),
} satisfies Record<string, Action>

const reading = ['read a version', 'see a version', 'see a lock', 'list the versions of evidence']
const puttingActs = ['put an act about a session', 'put an act of disposal']
const allowed: Record<BucketRole, string[]> = {
  writer: [...reading, 'put a locked object', 'put in parts and take them back', 'extend a lock', ...puttingActs],
  reader: reading,
  custodian: [
    'see a lock',
    'extend a lock',
    'list the versions of evidence',
    'put a legal hold',
    'lift a legal hold',
    'see a legal hold',
    ...puttingActs,
  ],
  dispose: [
    'see a lock',
    'see a legal hold',
    ...puttingActs,
    'list the versions of evidence',
    'delete a version without a lock',
    'delete a version in a batch',
    'bypass governance', // of a version that has no lock: an ordinary delete
  ],
}

/** A version that no lock protects, so that only the policy can refuse. */
const unlockedTarget = async (root: S3Client, Bucket: string): Promise<Target> => {
  const { VersionId } = await root.send(new PutObjectCommand({ Bucket, Key: key, Body: 'unlocked' }))
  return { Bucket, Key: key, VersionId: VersionId! }
}

const outcomeOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act
    return 'allowed'
  } catch (error) {
    const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name: string }
    if (name === 'NoSuchObjectLockConfiguration') return 'allowed' // the target has none
    return $metadata?.httpStatusCode === 403 ? 'refused' : `${$metadata?.httpStatusCode} ${name}`
  }
}

onServices(test, (services) => {
  for (const role of bucketRoles) {
    test(`with the policy of the documentation the ${role} may do what it has to, and nothing else`, async (t) => {
      const { config, root, clientOf } = await guardedBucket(t, services)
      await root.send(new PutObjectCommand({ Bucket: config.bucket, Key: 'other/y', Body: 'y' }))
      const client = clientOf(role)
      const outcomes: Record<string, string> = {}
      const expected: Record<string, string> = {}
      for (const [name, action] of Object.entries<Action>(actions)) {
        outcomes[name] = await outcomeOf(action(client, await unlockedTarget(root, config.bucket)))
        expected[name] = allowed[role].includes(name) ? 'allowed' : 'refused'
      }
      t.deepEqual(outcomes, expected)
    })
  }

  test('the writer puts, reads, lists and extends, the reader reads all of it, and neither tampers', async (t) => {
    const { configOf } = await guardedBucket(t, services)
    const writer = await openS3Store(configOf('writer'))
    t.teardown(() => writer.close())
    await writer.put(key, Buffer.from('evidence'), { retainUntil })
    await writer.extendRetention(key, new Date('2032-01-01T00:00:00Z'))
    await writer.put(olderKey, Buffer.alloc(17 * 1024 * 1024, 1), { retainUntil })
    const reader = await openS3Store(configOf('reader'))
    t.teardown(() => reader.close())
    for (const store of [writer, reader]) {
      t.is(Buffer.from(await store.get(key)).toString(), 'evidence')
      t.is((await store.get(olderKey, { start: -5, length: 5 })).length, 5)
      t.deepEqual((await store.head(key))?.retainUntil, new Date('2032-01-01T00:00:00Z'))
      t.is((await store.list('', { limit: 10 })).length, 2)
      t.is(await store.head(`${key}2`), null)
    }
    const misconfigured = { code: 'BTZ_RECORDINGS_MISCONFIGURED' }
    await t.throwsAsync(reader.put(`${key}2`, Buffer.from('x'), { retainUntil }), misconfigured)
    await t.throwsAsync(reader.extendRetention(key, new Date('2033-01-01T00:00:00Z')), misconfigured)
    for (const role of ['custodian', 'dispose'] as const) {
      const store = await openS3Store(configOf(role))
      t.teardown(() => store.close())
      await t.throwsAsync(store.put(`${key}2`, Buffer.from('x'), { retainUntil }), misconfigured)
      await t.throwsAsync(store.get(key), misconfigured)
      await store.put(`${actKey}${role.length}`, Buffer.from('x'), { retainUntil })
    }
  })

  test('the findings with the rights of the writer are good, and with those of the reader say what could not be tried', async (t) => {
    const { configOf } = await guardedBucket(t, services)
    const findingsOf = async (role: BucketRole) =>
      (await inspectS3(configOf(role), systemClock)).map(({ check, ok, skipped }) => [check, ok, skipped ?? false])
    const good = [
      ['s3 bucket', true, false],
      ['s3 clock', true, false],
      ['s3 lock', true, false],
      ['s3 list', true, false],
    ]
    t.deepEqual(await findingsOf('writer'), good)
    t.deepEqual(await findingsOf('reader'), [good[0], good[1], ['s3 lock', true, true], good[3]])
  })

  test('with the rights of the writer too, a locked version cannot be shortened', async (t) => {
    const { config, configOf, clientOf } = await guardedBucket(t, services)
    const store = await openS3Store(configOf('writer'))
    t.teardown(() => store.close())
    await store.put(key, Buffer.from('x'), { retainUntil })
    const shorten = { Bucket: config.bucket, Key: key, ...retention(new Date('2029-01-01T00:00:00Z')) }
    await t.throwsAsync(clientOf('writer').send(new PutObjectRetentionCommand(shorten)))
    t.deepEqual((await store.head(key))?.retainUntil, retainUntil)
  })

  test('dispose deletes a version once its lock has ended, and not before', async (t) => {
    const { config, configOf, clientOf } = await guardedBucket(t, services)
    const store = await openS3Store(configOf('writer'))
    t.teardown(() => store.close())
    await store.put(key, Buffer.from('x'), { retainUntil: new Date(Date.now() + 6_000) })
    await store.put(`${key}1`, Buffer.from('x'), { retainUntil })
    const dispose = clientOf('dispose')
    const list = new ListObjectVersionsCommand({ Bucket: config.bucket, Prefix: 'evidence/v1/' })
    const [short, long] = (await dispose.send(list)).Versions ?? []
    const at = (version: typeof short) => ({
      Bucket: config.bucket,
      Key: version!.Key!,
      VersionId: version!.VersionId!,
    })
    const remove = (version: typeof short) => outcomeOf(dispose.send(new DeleteObjectCommand(at(version))))
    t.is(await remove(short), 'refused')
    await until(async () => (await remove(short)) === 'allowed', { everyMs: 200, what: 'the end of the lock' })
    t.is(await remove(long), 'refused')
    t.deepEqual(
      (await store.list('', { limit: 10 })).map((object) => object.key),
      [`${key}1`],
    )
    await t.throwsAsync(store.get(key), { code: 'BTZ_RECORDING_NOT_FOUND' })
  })
})
