import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { BartizanError } from '../errors.ts'
import { checkKey } from './recording-key.ts'
import type { RecordingReader, StoredObject } from './recording-store.ts'
import { maxBodies, maxWaiting, type S3Connection } from './s3-connection.ts'
import { inOurWords, isAbsent, isTransient } from './s3-errors.ts'
import type { Evidence } from './s3-evidence.ts'
import { createGate } from './s3-gate.ts'
import { headVersion } from './s3-head.ts'
import { listEvidence } from './s3-list.ts'
import { storedObject } from './s3-object-lock.ts'
import type { Version } from './s3-versions.ts'

export const maxObjectBytes = 256 * 1024 * 1024
const maxReads = 3

export const notFound = (key: string) =>
  new BartizanError('BTZ_RECORDING_NOT_FOUND', `there is no evidence under ${key}`)

const corrupt = (key: string, detail: string) => new BartizanError('BTZ_EVIDENCE_CORRUPT', `${key}: ${detail}`)

type Range = { start: number; length: number }

/** First byte and end (exclusive) of what is asked for, cut at the end of the object. */
const cut = ({ start, length }: Range, sizeBytes: number): { from: number; to: number } => {
  const from = Math.min(sizeBytes, start < 0 ? Math.max(0, sizeBytes + start) : start)
  return { from, to: Math.max(from, Math.min(sizeBytes, from + length)) }
}

/** Null: the answer broke off. The SDK repeats requests, but not the reading of an answer. */
const bodyOf = async (key: string, { Body }: GetObjectCommandOutput): Promise<Uint8Array | null> => {
  try {
    return (await Body?.transformToByteArray()) ?? null
  } catch (error) {
    if (/^checksum mismatch/i.test(String((error as Error).message))) throw corrupt(key, (error as Error).message)
    if (isTransient(error)) return null
    throw error
  }
}

/** Reads of evidence, each from the version that `evidence` finds. */
export const createS3RecordingReader = (connection: S3Connection, evidence: Evidence): RecordingReader => {
  const { client, bucket } = connection
  const gate = createGate(maxBodies, maxWaiting)

  const request = (key: string, { versionId, sizeBytes }: Version, from: number, to: number) => {
    // The store has a checksum of the whole only; the SDK compares it as it reads.
    const part = to - from === sizeBytes ? { ChecksumMode: 'ENABLED' as const } : { Range: `bytes=${from}-${to - 1}` }
    return client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, ...part }))
  }

  /** Null: to be tried again. */
  const readOnce = async (key: string, range: Range): Promise<Uint8Array | null> => {
    const version = await evidence.locate(key)
    if (!version) throw notFound(key)
    const { from, to } = cut(range, version.sizeBytes)
    if (to === from) return new Uint8Array()
    if (to - from > maxObjectBytes) {
      throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `${key}: ${to - from} bytes; at most ${maxObjectBytes} at once`)
    }
    const answer = await request(key, version, from, to).catch((error: unknown) => {
      if (!isAbsent(error)) throw error
      evidence.forget(key) // disposed of since it was located
      return null
    })
    if (answer === null) return null
    if (answer.ContentLength !== to - from) {
      throw corrupt(key, `the store has ${answer.ContentLength} bytes where it listed ${to - from}`)
    }
    const [bytes] = await Promise.all([bodyOf(key, answer), evidence.checkLock(key, version.versionId, answer)])
    return bytes
  }

  const read = async (key: string, range: Range): Promise<Uint8Array> => {
    for (let reads = 1; reads <= maxReads; reads++) {
      const bytes = await gate(() => readOnce(key, range))
      if (bytes !== null) return bytes
      await sleep(reads * 100)
    }
    throw new BartizanError('BTZ_UNAVAILABLE', `reading ${key} broke off ${maxReads} times`)
  }

  const describe = async (key: string, { versionId }: Version): Promise<StoredObject | null> => {
    try {
      const head = await headVersion(connection, key, versionId)
      await evidence.checkLock(key, versionId, head)
      return storedObject(key, head)
    } catch (error) {
      if (!isAbsent(error)) throw error
      evidence.forget(key)
      return null
    }
  }

  return {
    get: (key, range = { start: 0, length: Number.POSITIVE_INFINITY }) =>
      inOurWords(`reading ${key}`, async () => {
        checkKey(key)
        return await read(key, range)
      }),
    head: (key) =>
      inOurWords(`looking at ${key}`, async () => {
        checkKey(key)
        const version = await evidence.locate(key)
        return version && describe(key, version)
      }),
    list: (prefix, { after = '', limit }) =>
      inOurWords(`listing ${prefix.slice(0, 100)}`, () =>
        listEvidence(connection, { prefix, after, limit }, async (group) => {
          const version = await evidence.choose(group)
          return version && describe(group.key, version)
        }),
      ),
  }
}
