import { type HeadObjectCommandOutput, PutObjectRetentionCommand } from '@aws-sdk/client-s3'
import type { S3Connection } from './s3-connection.ts'
import { isDenied, statusOf } from './s3-errors.ts'
import type { Evidence } from './s3-evidence.ts'
import { headVersion } from './s3-head.ts'
import { isLockedUntil, lockDate, unlocked } from './s3-object-lock.ts'
import { notFound } from './s3-recording-reader.ts'

const maxWrites = 3

/** Locks a version until at least this date, and reads that back. @throws BTZ_RECORDING_UNLOCKED, and what the store says */
export const lockVersion = async (
  connection: S3Connection,
  { key, versionId, until }: { key: string; versionId: string; until: Date },
): Promise<HeadObjectCommandOutput> => {
  const retention = { Mode: 'COMPLIANCE' as const, RetainUntilDate: until }
  const request = { Bucket: connection.bucket, Key: key, VersionId: versionId, Retention: retention }
  let refusal: unknown = null
  for (let writes = 0; ; writes++) {
    const head = await headVersion(connection, key, versionId)
    if (isLockedUntil(head, until)) return head
    if (refusal !== null) throw refusal
    if (writes === maxWrites) throw unlocked(key, head)
    // Refused when somebody set a later date since we looked: the next look tells.
    await connection.client.send(new PutObjectRetentionCommand(request)).catch((error: unknown) => {
      if (!isDenied(error) && statusOf(error) !== 400) throw error
      refusal = error
    })
  }
}

/** Runs what concerns one key one after the other. */
const createTurns = () => {
  const last = new Map<string, Promise<unknown>>()
  return <T>(key: string, act: () => Promise<T>): Promise<T> => {
    const mine = (last.get(key) ?? Promise.resolve()).then(act)
    const done = mine.catch(() => {}).then(() => void (last.get(key) === done && last.delete(key)))
    last.set(key, done)
    return mine
  }
}

/**
 * Extends the lock of the evidence under a key. A store that compares and writes in two steps (versitygw) could let the
 * earlier of two dates win: within this process one waits for the other.
 */
export const createRetentionExtender = (connection: S3Connection, evidence: Evidence) => {
  const inTurn = createTurns()
  return (key: string, retainUntil: Date): Promise<void> =>
    inTurn(key, async () => {
      const version = await evidence.locate(key)
      if (!version) throw notFound(key)
      await lockVersion(connection, { key, versionId: version.versionId, until: lockDate(retainUntil) })
    })
}
