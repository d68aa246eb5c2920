import { setTimeout as sleep } from 'node:timers/promises'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { StoredObject } from './recording-store.ts'
import type { S3Connection } from './s3-connection.ts'
import { isAbsent, isConflict, isTaken, isTransient, s3Error } from './s3-errors.ts'
import type { Evidence } from './s3-evidence.ts'
import { lockVersion } from './s3-extend-retention.ts'
import { headVersion } from './s3-head.ts'
import { isLocked, isLockedUntil, storedObject } from './s3-object-lock.ts'
import { putIdKey, sendUpload, type Upload } from './s3-upload.ts'

const exists = (key: string) =>
  new BartizanError('BTZ_RECORDING_EXISTS', `${key} was written before; evidence is never overwritten`)

const maxConflicts = 5

const isOurs = (head: HeadObjectCommandOutput, { putId }: Upload): boolean => head.Metadata?.[putIdKey] === putId

const sameContent = (head: HeadObjectCommandOutput, { sizeBytes, checksum }: Upload): boolean =>
  head.ContentLength === sizeBytes && head.ChecksumSHA256 === checksum

const maxLooks = 3

/**
 * What stands under the key after our attempt; null when nothing does. The mark of the put decides whose it is, not the
 * bytes: of two that put the same bytes only one wins, and an attempt whose answer was lost is still ours.
 */
const standing = async (
  connection: S3Connection,
  evidence: Evidence,
  { key }: Upload,
): Promise<HeadObjectCommandOutput | null> => {
  for (let looks = 1; ; looks++) {
    evidence.forget(key)
    const version = await evidence.locate(key)
    const head = version && (await headVersion(connection, key, version.versionId))
    // versitygw shows an object a moment before it locks it.
    if (!head || head.ObjectLockMode !== undefined || looks === maxLooks) return head
    await sleep(100 * looks)
  }
}

const corrupt = ({ key, sizeBytes, checksum }: Upload, head: HeadObjectCommandOutput) => {
  const stored = `${head.ContentLength} with ${head.ChecksumSHA256 ?? 'none'}`
  const text = `${key}: put ${sizeBytes} bytes with SHA-256 ${checksum}, the store has ${stored}`
  return new BartizanError('BTZ_EVIDENCE_CORRUPT', text)
}

const nothingStands = ({ key }: Upload, doubt: unknown): BartizanError => {
  if (doubt === null) return new BartizanError('BTZ_RECORDING_UNLOCKED', `the store took ${key} and has it no more`)
  if (isTaken(doubt)) return exists(key) // what it was has gone, and left a delete marker
  return new BartizanError('BTZ_UNAVAILABLE', s3Error(doubt, `putting ${key}`).message, { cause: doubt })
}

/** Puts once. @throws BTZ_RECORDING_EXISTS BTZ_RECORDING_UNLOCKED BTZ_EVIDENCE_CORRUPT, and what the store says */
export const createPut = (connection: S3Connection, evidence: Evidence, log: Logger) => {
  /** Sends until the store has decided. Returns the error that leaves in doubt what became of the bytes, if there is one. */
  const send = async (upload: Upload): Promise<unknown> => {
    for (let conflicts = 0; ; conflicts++) {
      try {
        await sendUpload(connection, upload, log)
        return null
      } catch (error) {
        // An upload in parts is unknown when its completion was carried out and the answer lost.
        const inDoubt = isTaken(error) || isTransient(error) || isAbsent(error)
        if (!inDoubt && !isConflict(error)) throw error
        if (inDoubt || conflicts === maxConflicts) return error
        await sleep(50 * 2 ** conflicts * (1 + Math.random()))
      }
    }
  }

  /**
   * For our bytes, from this put or an earlier one. A store that stops between showing an object and locking it
   * (versitygw does the one after the other) leaves them unlocked: then they are locked now, or the put fails.
   */
  const ensureLocked = async (head: HeadObjectCommandOutput, { key, until }: Upload, ours: boolean) => {
    const isEnough = ours ? isLockedUntil(head, until) : isLocked(head)
    if (isEnough) return head
    log.warn(
      { key, mode: head.ObjectLockMode ?? 'none' },
      'the store did not lock this as it was put; it is locked now',
    )
    return await lockVersion(connection, { key, versionId: head.VersionId ?? 'null', until })
  }

  return async (upload: Upload): Promise<StoredObject> => {
    const doubt = await send(upload)
    const head = await standing(connection, evidence, upload)
    if (!head) throw nothingStands(upload, doubt)
    const ours = isOurs(head, upload)
    const same = sameContent(head, upload)
    if (ours && !same) throw corrupt(upload, head)
    const stands = same ? await ensureLocked(head, upload, ours) : head
    if (!ours) throw exists(upload.key)
    return storedObject(upload.key, stands)
  }
}
