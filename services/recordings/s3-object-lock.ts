import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import { longestRetention } from './longest-retention.ts'
import type { StoredObject } from './recording-store.ts'
import { untilMsOf } from './retention-marks.ts'

/** S3 keeps whole seconds: the next one, so that nothing is kept shorter than asked. */
export const lockDate = (retainUntil: Date): Date => new Date(Math.ceil(untilMsOf(retainUntil) / 1000) * 1000)

/** @throws BTZ_RETENTION_TOO_LONG RangeError */
export const checkRetention = (retainUntil: Date, maxRetentionYears: number, clock: Clock): void => {
  if (untilMsOf(retainUntil) <= longestRetention(clock.now(), maxRetentionYears).getTime()) return
  const asked = retainUntil.toISOString()
  throw new BartizanError(
    'BTZ_RETENTION_TOO_LONG',
    `retention until ${asked} is more than ${maxRetentionYears} years`,
    {
      hint: 'a lock cannot be taken back; recordings.maxRetentionYears is the bound',
    },
  )
}

/** What the store says of a version's lock. */
export type Lock = Pick<HeadObjectCommandOutput, 'ObjectLockMode' | 'ObjectLockRetainUntilDate'>

export const isLocked = (lock: Lock): boolean => lock.ObjectLockMode === 'COMPLIANCE'

export const isLockedUntil = (lock: Lock, until: Date): boolean =>
  isLocked(lock) && (lock.ObjectLockRetainUntilDate?.getTime() ?? 0) >= until.getTime()

export const unlocked = (what: string, { ObjectLockMode: mode, ObjectLockRetainUntilDate: until }: Lock) =>
  new BartizanError(
    'BTZ_RECORDING_UNLOCKED',
    `${what} should be locked; the store says ${mode ?? 'no lock'} until ${until?.toISOString() ?? 'no date'}`,
    {
      hint: 'evidence needs a store with Object Lock in COMPLIANCE mode, and the permission s3:GetObjectRetention to see it',
    },
  )

export const storedObject = (key: string, head: HeadObjectCommandOutput): StoredObject => ({
  key,
  sizeBytes: head.ContentLength ?? 0,
  retainUntil: isLocked(head) ? (head.ObjectLockRetainUntilDate ?? null) : null,
  storedAt: head.LastModified ?? new Date(0),
})
