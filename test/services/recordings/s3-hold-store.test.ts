import {
  DeleteObjectCommand,
  GetObjectLegalHoldCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { createS3HoldStore } from '#services/recordings/s3-hold-store.ts'
import { holdStoreContract } from '#test/contract/hold-store.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openS3Store, rawS3, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'

const key = 'evidence/v1/2026-01-02/s1/000000000000'

onServices(test, (services) => {
  const place = async (t: Parameters<Parameters<typeof holdStoreContract>[1]>[0]) => {
    const config = await s3Bucket(t, services)
    const open = async () => ({
      recordings: await openS3Store(config),
      holds: await createS3HoldStore({ config, maxRetentionYears: 20, clock: systemClock }),
    })
    return { config, open }
  }
  holdStoreContract(test, place)

  test('every version under a key is held, and what has no date stands by its hold alone', async (t) => {
    const { config, open } = await place(t)
    const { recordings, holds } = await open()
    t.teardown(() => Promise.all([recordings.close(), holds.close()]))
    const raw = rawS3(t, services)
    const at = { Bucket: config.bucket, Key: key }
    await recordings.put(key, Buffer.from('x'), { retainUntil: new Date('2031-01-01T00:00:00Z') })
    const { VersionId } = await raw.send(new PutObjectCommand({ ...at, Body: 'put over it' }))
    await raw.send(new DeleteObjectCommand(at))
    await holds.setHold(key, true)
    t.true(await holds.isHeld(key))
    const { Versions = [] } = await raw.send(new ListObjectVersionsCommand({ Bucket: config.bucket, Prefix: key }))
    for (const each of Versions) {
      const { LegalHold } = await raw.send(new GetObjectLegalHoldCommand({ ...at, VersionId: each.VersionId }))
      t.is(LegalHold?.Status, 'ON')
    }
    t.is(Versions.length, 2)
    await t.throwsAsync(raw.send(new DeleteObjectCommand({ ...at, VersionId })))
    await holds.setHold(key, false)
    await t.notThrowsAsync(raw.send(new DeleteObjectCommand({ ...at, VersionId })))
    t.is(Buffer.from(await recordings.get(key)).toString(), 'x', 'its date keeps the evidence')
  })
})
