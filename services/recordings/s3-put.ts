import { setTimeout as sleep } from 'node:timers/promises'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { StoredObject } from './recording-store.ts'
import type { S3Connection } from './s3-connection.ts'
import { isAbsent, isConflict, isTaken, isTransient, s3Error } from './s3-errors.ts'
import type { Evidence } from './s3-evidence.ts'
import { isLockedUntil, unlocked } from './s3-object-lock.ts'
import { storedObject } from './s3-recording-reader.ts'
import { putIdKey, sendUpload, type Upload } from './s3-upload.ts'

const exists = (key: string) =>
  new BartizanError('BTZ_RECORDING_EXISTS', `${key} was written before; evidence is never overwritten`)

const maxConflicts = 5

const isOurs = (head: HeadObjectCommandOutput, { putId }: Upload): boolean => head.Metadata?.[putIdKey] === putId

const sameContent = (head: HeadObjectCommandOutput, { sizeBytes, checksum }: Upload): boolean =>
  head.ContentLength === sizeBytes && head.ChecksumSHA256 === checksum

/** @throws BTZ_RECORDING_UNLOCKED BTZ_EVIDENCE_CORRUPT */
const verify = (head: HeadObjectCommandOutput, upload: Upload): void => {
  if (!sameContent(head, upload)) {
    const detail = `put ${upload.sizeBytes} bytes with SHA-256 ${upload.checksum}, the store has ${head.ContentLength} with ${head.ChecksumSHA256 ?? 'none'}`
    throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `${upload.key}: ${detail}`)
  }
  if (!isLockedUntil(head, upload.until)) throw unlocked(upload.key, head)
}

/**
 * What stands under the key after our attempt; null when nothing does. The mark of the put decides whose it is, not the
 * bytes: of two that put the same bytes only one wins, and an attempt whose answer was lost is still ours.
 */
const standing = async (evidence: Evidence, { key }: Upload): Promise<HeadObjectCommandOutput | null> => {
  evidence.forget(key)
  const version = await evidence.locate(key)
  return version && evidence.head(key, version.versionId)
}

/** Sends until the store has decided. A refusal that leaves in doubt what became of the bytes is no error here. */
const send = async (connection: S3Connection, upload: Upload, log: Logger): Promise<unknown> => {
  for (let conflicts = 0; ; conflicts++) {
    try {
      await sendUpload(connection, upload, log)
      return null
    } catch (error) {
      // A part's upload is unknown when its completion was carried out and the answer lost.
      const inDoubt = isTaken(error) || isTransient(error) || isAbsent(error)
      if (!inDoubt && !isConflict(error)) throw error
      if (inDoubt || conflicts === maxConflicts) return error
      await sleep(50 * 2 ** conflicts * (1 + Math.random()))
    }
  }
}

const nothingStands = ({ key }: Upload, doubt: unknown): BartizanError => {
  if (doubt === null) return new BartizanError('BTZ_RECORDING_UNLOCKED', `the store took ${key} and has it no more`)
  if (isTaken(doubt)) return exists(key) // what it was has gone, and left a delete marker
  return new BartizanError('BTZ_UNAVAILABLE', s3Error(doubt, `putting ${key}`).message, { cause: doubt })
}

/** @throws BTZ_RECORDING_EXISTS BTZ_RECORDING_UNLOCKED BTZ_EVIDENCE_CORRUPT, and what the store says */
export const putOnce = async (
  connection: S3Connection,
  evidence: Evidence,
  upload: Upload,
  log: Logger,
): Promise<StoredObject> => {
  const doubt = await send(connection, upload, log)
  const head = await standing(evidence, upload)
  if (!head) throw nothingStands(upload, doubt)
  if (!isOurs(head, upload)) {
    // Our bytes from an earlier put, but without a lock: not what "exists" says.
    if (sameContent(head, upload) && head.ObjectLockMode !== 'COMPLIANCE') throw unlocked(upload.key, head)
    throw exists(upload.key)
  }
  verify(head, upload)
  return storedObject(upload.key, head)
}
