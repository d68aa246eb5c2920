import { GetObjectRetentionCommand, HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { S3Connection } from './s3-connection.ts'
import { isAbsent, s3Code } from './s3-errors.ts'
import { isLocked, type Lock } from './s3-object-lock.ts'

export const retentionOf = async ({ client, bucket }: S3Connection, Key: string, VersionId: string): Promise<Lock> => {
  try {
    const { Retention } = await client.send(new GetObjectRetentionCommand({ Bucket: bucket, Key, VersionId }))
    return { ObjectLockMode: Retention?.Mode, ObjectLockRetainUntilDate: Retention?.RetainUntilDate }
  } catch (error) {
    // AWS says 404, versitygw 400.
    if (!isAbsent(error) && s3Code(error) !== 'NoSuchObjectLockConfiguration') throw error
    return { ObjectLockMode: undefined, ObjectLockRetainUntilDate: undefined }
  }
}

/** The lock of a version. versitygw names it in no answer to GET, and to HEAD only for the newest version. */
export const lockOf = async (connection: S3Connection, key: string, versionId: string, shown: Lock): Promise<Lock> =>
  isLocked(shown) ? shown : await retentionOf(connection, key, versionId)

/** With checksum and lock, even where the store leaves the lock out of this answer. */
export const headVersion = async (
  connection: S3Connection,
  Key: string,
  VersionId: string,
): Promise<HeadObjectCommandOutput> => {
  const { client, bucket: Bucket } = connection
  const answer = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId, ChecksumMode: 'ENABLED' }))
  const { ObjectLockMode, ObjectLockRetainUntilDate } = await lockOf(connection, Key, VersionId, answer)
  return { ...answer, ObjectLockMode, ObjectLockRetainUntilDate }
}
