import { join } from 'node:path'
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { v7 as uuidv7 } from 'uuid'
import { createCustodian } from '#ingest/custody/custodian.ts'
import { createApprovals } from '#services/approvals/approvals.ts'
import { systemClock } from '#services/clock.ts'
import { planDisposal, runDisposal } from '#services/custody/dispose/dispose.ts'
import { dateOf, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { createS3DisposalStore } from '#services/recordings/s3-disposal-store.ts'
import { createS3HoldStore } from '#services/recordings/s3-hold-store.ts'
import { SessionId } from '#services/schema/ids.ts'
import { onServices, type Services } from '#test/helpers/cluster.ts'
import { custodianNamed } from '#test/helpers/custodian.ts'
import { openDisposalPlace, requester } from '#test/helpers/disposal.ts'
import { type BucketRole, guardedBucket } from '#test/helpers/guarded-bucket.ts'
import { openS3Store } from '#test/helpers/open-s3-recording-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const run = { reason: 'its time is over', by: requester, limit: 1_000, tell: () => {} }
const limits = { maxRetentionYears: 20, clock: systemClock }

/** A bucket under the policy of the documentation; everybody works with the credentials of their own role. */
const open = async (t: ExecutionContext, services: Services) => {
  const bucket = await guardedBucket(t, services)
  const storeOf = (role: BucketRole) => openS3Store(bucket.configOf(role))
  const [writer, disposer, keeper] = [await storeOf('writer'), await storeOf('dispose'), await storeOf('custodian')]
  const data = join(await temporaryFolder(t), 'data')
  const openStore = () => createS3DisposalStore(bucket.configOf('dispose'), systemClock)
  const place = await openDisposalPlace(data, openStore, { writer, disposer })
  const holds = await createS3HoldStore({ config: bucket.configOf('custodian'), ...limits })
  const custodian = createCustodian({
    ...{ ...place.backends, ...limits, holds, custody: place.custody, registry: new Registry() },
    approvals: createApprovals({ ...place.backends, clock: systemClock }),
    acts: { ...place.backends, ...limits, recordings: keeper },
    log: pino({ level: 'silent' }),
  })
  t.teardown(async () => {
    await custodian.close()
    await place.close()
    await Promise.all([writer, disposer, keeper, holds].map((each) => each.close()))
  })
  const versions = async (Prefix: string) => {
    const list = new ListObjectVersionsCommand({ Bucket: bucket.config.bucket, Prefix })
    return (await bucket.root.send(list)).Versions ?? []
  }
  const store = async (retainUntil: Date) => {
    const sessionId = SessionId.parse(uuidv7())
    const prefix = sessionPrefix(dateOf(Date.now()), sessionId)
    await place.backends.keys.obtain(`session:${sessionId}`)
    await writer.put(`${prefix}000000000000`, Buffer.from('x'), { retainUntil })
    return { sessionId, prefix }
  }
  return { ...bucket, ...place, holds, custodian, versions, store }
}

onServices(test, (services) => {
  test('on S3 exactly what is expired and unheld goes, by the disposer alone, and the log says so first', async (t) => {
    const place = await open(t, services)
    const { context, custody, custodian, holds, versions, store, clientOf, config, backends } = place
    const soon = new Date(Date.now() + 6_000)
    const [old, held, flagged, over] = [await store(soon), await store(soon), await store(soon), await store(soon)]
    const kept = await store(new Date('2031-01-01T00:00:00Z'))
    await custody.hold(held.sessionId, { reason: 'a court asks', by: custodianNamed('alice') })
    await custodian.round()
    t.true(await holds.isHeld(`${held.prefix}000000000000`), 'by the worker, with the credentials of the custodian')
    t.truthy((await custody.get(held.sessionId))?.holds[0]?.appliedAt, 'its act stands')
    await holds.setHold(`${flagged.prefix}000000000000`, true)
    const at = { Bucket: config.bucket, Key: `${over.prefix}000000000000` }
    await place.root.send(new PutObjectCommand({ ...at, Body: 'put over it' }))
    await place.root.send(new DeleteObjectCommand(at))

    // What is surely past is known to about a second, from the store's answers: not at the edge of it.
    const isPast = async () => (await context.store.surelyPastMs()) > soon.getTime() + 2_000
    await until(isPast, { limitMs: 60_000, everyMs: 500, what: 'the end of the dates' })
    t.is((await planDisposal(context, () => {})).objects, 4)
    const [expired] = await versions(old.prefix)
    for (const role of ['writer', 'reader', 'custodian'] as const) {
      const remove = new DeleteObjectCommand({
        Bucket: config.bucket,
        Key: expired!.Key,
        VersionId: expired!.VersionId,
      })
      const { $metadata } = await t.throwsAsync<Error & { $metadata: { httpStatusCode: number } }>(
        clientOf(role).send(remove),
      )
      t.is($metadata.httpStatusCode, 403, role)
    }
    t.like(await runDisposal(context, run), { objects: 4, sessions: 2, kept: { retained: 1, held: 2, undated: 0 } })
    const left = await Promise.all(
      [old, over, held, flagged, kept].map(async ({ prefix }) => (await versions(prefix)).length),
    )
    t.deepEqual(left, [0, 0, 1, 1, 1])
    for (const { sessionId } of [old, over])
      await t.throwsAsync(backends.keys.get(`session:${sessionId}`), { code: 'BTZ_KEY_DESTROYED' })
    t.true((await versions('evidence/v1/acts/disposal/')).length === 1)
  })

  test('a clock that is over a minute from that of the store disposes of nothing', async (t) => {
    const { context, configOf, store, versions } = await open(t, services)
    const { prefix } = await store(new Date(Date.now() + 1_000))
    for (const aheadMs of [120_000, -120_000]) {
      const clock = { now: () => Date.now() + aheadMs }
      const skewed = await createS3DisposalStore(configOf('dispose'), clock)
      t.teardown(skewed.close)
      const there = { ...context, store: skewed }
      await t.throwsAsync(runDisposal(there, run), { code: 'BTZ_CLOCK_SKEW' })
      await t.throwsAsync(
        planDisposal(there, () => {}),
        { code: 'BTZ_CLOCK_SKEW' },
      )
    }
    t.is((await versions(prefix)).length, 1)
  })
})
