import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
} from '@aws-sdk/client-s3'
import { type Clock, systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { BartizanError } from '../errors.ts'
import { connectS3, type S3Connection } from './s3-connection.ts'
import { inOurWords, s3Code, statusOf } from './s3-errors.ts'

const hint = 'Object Lock has to be switched on when a bucket is made: use a bucket of its own, made by the set-up'

const versioningOf = async ({ client, bucket }: S3Connection): Promise<string> =>
  (await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status ?? 'never enabled'

const lockOf = async ({ client, bucket }: S3Connection): Promise<string> => {
  try {
    const answer = await client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }))
    return answer.ObjectLockConfiguration?.ObjectLockEnabled ?? 'not enabled'
  } catch (error) {
    if (s3Code(error) === 'ObjectLockConfigurationNotFoundError') return 'not enabled'
    throw error
  }
}

/** @throws BTZ_RECORDING_UNLOCKED BTZ_RECORDINGS_MISCONFIGURED BTZ_UNAVAILABLE */
export const checkBucket = (connection: S3Connection): Promise<void> =>
  inOurWords(`bucket ${connection.bucket}`, async () => {
    const refuse = (what: string) => {
      throw new BartizanError('BTZ_RECORDING_UNLOCKED', `bucket ${connection.bucket}: ${what}`, { hint })
    }
    const versioning = await versioningOf(connection)
    if (versioning !== 'Enabled') refuse(`versioning is ${versioning}`)
    const lock = await lockOf(connection)
    if (lock !== 'Enabled') refuse(`Object Lock is ${lock}`)
  })

/** Only to a bucket that locks. @throws BTZ_RECORDING_UNLOCKED BTZ_RECORDINGS_MISCONFIGURED BTZ_CONFIG_INVALID BTZ_UNAVAILABLE */
export const connectToEvidence = async (config: Config['s3'], clock: Clock): Promise<S3Connection> => {
  const connection = await connectS3(config, clock)
  try {
    await checkBucket(connection)
    return connection
  } catch (error) {
    connection.client.destroy()
    throw error
  }
}

const isThere = async ({ client, bucket }: S3Connection): Promise<boolean> => {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }))
    return true
  } catch (error) {
    if (statusOf(error) === 404) return false
    throw error
  }
}

const create = async ({ client, bucket }: S3Connection, region: string): Promise<void> => {
  // AWS refuses to have its first region named: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
  const place = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } }
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true, ...place }))
  } catch (error) {
    if (statusOf(error) !== 409) throw error // made by another set-up in between
  }
}

/**
 * Makes the bucket with Object Lock, and with it versioning, when there is none. A bucket that is there is checked and
 * never changed.
 * @throws BTZ_RECORDING_UNLOCKED when it is there without a lock; BTZ_RECORDINGS_MISCONFIGURED BTZ_UNAVAILABLE
 */
export const setUpBucket = async (config: Config['s3']): Promise<'created' | 'present'> => {
  const connection = await connectS3(config, systemClock)
  try {
    return await inOurWords(`setting up bucket ${config.bucket}`, async () => {
      const present = await isThere(connection)
      if (!present) await create(connection, config.region)
      await checkBucket(connection)
      return present ? 'present' : 'created'
    })
  } finally {
    connection.client.destroy()
  }
}
