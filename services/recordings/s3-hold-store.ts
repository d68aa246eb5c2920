import { GetObjectLegalHoldCommand, PutObjectLegalHoldCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { HoldStore } from './hold-store.ts'
import { checkKey, foldersOfPrefix, isKey } from './recording-key.ts'
import { connectToEvidence } from './s3-bucket.ts'
import type { S3Connection } from './s3-connection.ts'
import { inOurWords, isAbsent, isDenied, s3Code, statusOf } from './s3-errors.ts'
import { retentionOf } from './s3-head.ts'
import { checkRetention, isLocked, isLockedUntil, lockDate, unlocked } from './s3-object-lock.ts'
import { notFound } from './s3-recording-reader.ts'
import { type AnyVersion, everyVersion } from './s3-versions.ts'

/** Of one version. AWS says 404 where there never was a hold, versitygw 400. */
export const isVersionHeld = async (
  { client, bucket: Bucket }: S3Connection,
  { key: Key, versionId: VersionId }: Pick<AnyVersion, 'key' | 'versionId'>,
): Promise<boolean> => {
  try {
    const { LegalHold } = await client.send(new GetObjectLegalHoldCommand({ Bucket, Key, VersionId }))
    return LegalHold?.Status === 'ON'
  } catch (error) {
    if (!isAbsent(error) && s3Code(error) !== 'NoSuchObjectLockConfiguration') throw error
    return false
  }
}

const versionsOf = async (connection: S3Connection, key: string): Promise<AnyVersion[]> => {
  checkKey(key)
  for await (const group of everyVersion(connection, { prefix: key })) {
    if (group[0]?.key !== key) break // other keys with this prefix sort after it
    const versions = group.filter(({ isMarker }) => !isMarker)
    if (versions.length > 0) return versions
  }
  throw notFound(key)
}

const putHold = async (
  { client, bucket: Bucket }: S3Connection,
  { key: Key, versionId: VersionId }: AnyVersion,
  on: boolean,
) => {
  const LegalHold = { Status: on ? ('ON' as const) : ('OFF' as const) }
  await client.send(new PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold }))
}

/** Without reading content: HEAD would take the permission for that. @throws BTZ_RECORDING_UNLOCKED */
const lockLonger = async (connection: S3Connection, { key: Key, versionId: VersionId }: AnyVersion, until: Date) => {
  const { client, bucket: Bucket } = connection
  const before = await retentionOf(connection, Key, VersionId)
  if (!isLocked(before) || isLockedUntil(before, until)) return // what is not locked is none of ours
  const Retention = { Mode: 'COMPLIANCE' as const, RetainUntilDate: until }
  const refusal = await client
    .send(new PutObjectRetentionCommand({ Bucket, Key, VersionId, Retention }))
    .then(() => null)
    .catch((error: unknown) => {
      if (isDenied(error) || statusOf(error) === 400) return error // or somebody set a later date since we looked
      throw error
    })
  const after = await retentionOf(connection, Key, VersionId)
  if (isLockedUntil(after, until)) return
  throw refusal ?? unlocked(Key, after)
}

/**
 * Holds of evidence in an Object Lock bucket: the legal hold of each version. The credentials are those of the custodian,
 * who may neither read content nor put or delete evidence.
 * @throws BTZ_RECORDING_UNLOCKED BTZ_RECORDINGS_MISCONFIGURED BTZ_CONFIG_INVALID BTZ_UNAVAILABLE
 */
export const createS3HoldStore = async (options: {
  config: Config['s3']
  maxRetentionYears: number
  clock: Clock
}): Promise<HoldStore> => {
  const { config, maxRetentionYears, clock } = options
  const connection = await connectToEvidence(config, clock)
  return {
    keys: async function* (prefix) {
      for (const folder of foldersOfPrefix(prefix)) {
        const root = `${folder}/`
        for await (const group of everyVersion(connection, { prefix: root.startsWith(prefix) ? root : prefix })) {
          const key = group[0]!.key
          if (isKey(key) && group.some(({ isMarker }) => !isMarker)) yield key
        }
      }
    },
    setHold: (key, on) =>
      inOurWords(`the legal hold of ${key}`, async () => {
        for (const version of await versionsOf(connection, key))
          if ((await isVersionHeld(connection, version)) !== on) await putHold(connection, version, on)
      }),
    isHeld: (key) =>
      inOurWords(`the legal hold of ${key}`, async () => {
        for (const version of await versionsOf(connection, key))
          if (!(await isVersionHeld(connection, version))) return false
        return true
      }),
    extendRetention: (key, retainUntil) =>
      inOurWords(`extending ${key}`, async () => {
        checkRetention(retainUntil, maxRetentionYears, clock)
        await connection.storeClock.check()
        const until = lockDate(retainUntil)
        for (const version of await versionsOf(connection, key)) await lockLonger(connection, version, until)
      }),
    close: async () => connection.client.destroy(),
  }
}
