import { setTimeout as sleep } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3'
import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { S3Connection } from './s3-connection.ts'
import { isAbsent, isConflict, isDenied, isTaken, isTransient, statusOf } from './s3-errors.ts'
import { headVersion } from './s3-head.ts'
import { isLockedUntil, unlocked } from './s3-object-lock.ts'

/** Outside the evidence. */
const selfTestPrefix = 'self-test/v0/'
const text =
  'Bartizan tries whether the store refuses to delete and to shorten this. Free to delete once its lock has ended.\n'
const dayMs = 24 * 3_600_000

/** One object per UTC day, however many processes start; locked to the end of the next day, so that it outlasts its own. */
const testOfDay = (nowMs: number): { key: string; until: Date } => {
  const day = Math.floor(nowMs / dayMs)
  const date = new Date(day * dayMs).toISOString().slice(0, 10)
  return { key: `${selfTestPrefix}${date}`, until: new Date((day + 2) * dayMs) }
}

type Place = { Bucket: string; Key: string; VersionId: string | undefined }

const maxRaces = 3

/**
 * The object of the day if it stands locked, else a new version of it: one that stands unlocked or deleted does not
 * count. The put comes first, since asking for a key that is not there takes the right to list.
 */
const testObject = async ({ client, bucket }: S3Connection, key: string, until: Date): Promise<Place> => {
  const at = { Bucket: bucket, Key: key }
  const lock = { ObjectLockMode: 'COMPLIANCE' as const, ObjectLockRetainUntilDate: until }
  const put = async (condition: { IfNoneMatch?: string }): Promise<Place> => {
    const request = { ...at, ...lock, ...condition, Body: text, ChecksumAlgorithm: 'SHA256' as const }
    return { ...at, VersionId: (await client.send(new PutObjectCommand(request))).VersionId }
  }
  for (let race = 1; race <= maxRaces; race++) {
    try {
      return await put({ IfNoneMatch: '*' })
    } catch (error) {
      if (!isTaken(error) && !isConflict(error)) throw error
    }
    const head = await client.send(new HeadObjectCommand(at)).catch((error: unknown) => {
      if (isAbsent(error) || isDenied(error)) return null
      throw error
    })
    if (head && isLockedUntil(head, until)) return { ...at, VersionId: head.VersionId }
    await sleep(100 * race) // versitygw shows an object a moment before it locks it
  }
  return await put({})
}

/** True: the store refused. Trouble on the way there is no refusal. */
const refused = async (act: () => Promise<unknown>): Promise<boolean> => {
  try {
    await act()
    return false
  } catch (error) {
    if (isTransient(error) || statusOf(error) < 400) throw error
    return true
  }
}

/**
 * Tries what must not be possible, on an object of its own. With the writer's rights this proves the lock by the attempt
 * to shorten it: setting the same date is allowed, an earlier one is not, and the right for both is the same. Deleting is
 * refused by the writer's policy already; with the rights of the set-up it is the lock that refuses.
 * @returns the key it was tried on
 * @throws BTZ_RECORDING_UNLOCKED when the store lets it happen; what the store says when the rights do not suffice
 */
export const runSelfTest = async (connection: S3Connection, clock: Clock): Promise<string> => {
  const { client } = connection
  const { key, until } = testOfDay(clock.now())
  const fail = (what: string) =>
    new BartizanError('BTZ_RECORDING_UNLOCKED', `bucket ${connection.bucket}: ${what} (tried on ${key})`, {
      hint: 'this store does not do what Object Lock promises; evidence in it could be altered',
    })
  const at = await testObject(connection, key, until)
  if (!at.VersionId || at.VersionId === 'null') throw fail('what is put has no version')
  const { VersionId: versionId } = at
  const look = () => headVersion(connection, key, versionId)
  const first = await look()
  if (!isLockedUntil(first, until)) throw unlocked(key, first)

  const retain = (date: Date) =>
    client.send(new PutObjectRetentionCommand({ ...at, Retention: { Mode: 'COMPLIANCE', RetainUntilDate: date } }))
  await retain(first.ObjectLockRetainUntilDate!)
  const earlier = new Date(Math.floor(clock.now() / 1000) * 1000 + 3_600_000)
  if (!(await refused(() => retain(earlier)))) throw fail('a lock could be shortened')
  if (!(await refused(() => client.send(new DeleteObjectCommand(at))))) throw fail('a locked version could be deleted')

  const last = await look()
  if (!isLockedUntil(last, until)) throw unlocked(key, last)
  const { Body } = await client.send(new GetObjectCommand(at))
  if ((await Body?.transformToString()) !== text) throw fail('what is read back is not what was put')
  return key
}
