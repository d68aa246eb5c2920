import { GetObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { BartizanError } from '../errors.ts'
import { checkKey, folderOfPrefix, isKey, keyRoot } from './recording-key.ts'
import type { RecordingReader, StoredObject } from './recording-store.ts'
import type { S3Connection } from './s3-connection.ts'
import { inOurWords, isAbsent, isTransient, s3Code } from './s3-errors.ts'
import type { Evidence } from './s3-evidence.ts'
import { type KeyVersions, type Version, walkVersions } from './s3-versions.ts'

export const maxObjectBytes = 256 * 1024 * 1024
const maxReads = 3
const headsAtOnce = 16

export const notFound = (key: string) =>
  new BartizanError('BTZ_RECORDING_NOT_FOUND', `there is no evidence under ${key}`)

const corrupt = (key: string, detail: string) => new BartizanError('BTZ_EVIDENCE_CORRUPT', `${key}: ${detail}`)

export const storedObject = (key: string, head: HeadObjectCommandOutput): StoredObject => ({
  key,
  sizeBytes: head.ContentLength ?? 0,
  retainUntil: head.ObjectLockMode === 'COMPLIANCE' ? (head.ObjectLockRetainUntilDate ?? null) : null,
  storedAt: head.LastModified ?? new Date(0),
})

type Range = { start: number; length: number }

/** First byte and end (exclusive) of what is asked for, cut at the end of the object. */
const cut = ({ start, length }: Range, sizeBytes: number): { from: number; to: number } => {
  const from = Math.min(sizeBytes, start < 0 ? Math.max(0, sizeBytes + start) : start)
  return { from, to: Math.max(from, Math.min(sizeBytes, from + length)) }
}

export const createS3RecordingReader = (connection: S3Connection, evidence: Evidence): RecordingReader => {
  const { client, bucket } = connection

  const fetchBytes = async (key: string, { versionId, sizeBytes }: Version, range: Range): Promise<Uint8Array> => {
    const { from, to } = cut(range, sizeBytes)
    if (to - from > maxObjectBytes) {
      throw new BartizanError(
        'BTZ_PAYLOAD_TOO_LARGE',
        `${key} has ${to - from} bytes; ${maxObjectBytes} are read at once`,
      )
    }
    if (to === from) return new Uint8Array()
    const whole = to - from === sizeBytes
    const answer = await client.send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        VersionId: versionId,
        ...(whole ? { ChecksumMode: 'ENABLED' } : { Range: `bytes=${from}-${to - 1}` }),
      }),
    )
    evidence.sawLock(key, answer)
    if (answer.ContentLength !== to - from || !answer.Body) {
      throw corrupt(key, `the store holds ${answer.ContentLength} bytes where ${to - from} were listed`)
    }
    return await answer.Body.transformToByteArray()
  }

  /** The SDK repeats requests, but not the reading of an answer that breaks off. */
  const read = async (key: string, range: Range): Promise<Uint8Array> => {
    for (let attempt = 1; ; attempt++) {
      const version = await evidence.locate(key)
      if (!version) throw notFound(key)
      try {
        return await fetchBytes(key, version, range)
      } catch (error) {
        if (isAbsent(error)) evidence.forget(key)
        else if (/checksum mismatch/i.test(String((error as Error).message)))
          throw corrupt(key, (error as Error).message)
        else if (!isTransient(error) || s3Code(error) === 'ServiceUnavailable') throw error
        if (attempt === maxReads) throw error
      }
    }
  }

  const headOf = async (key: string, version: Version): Promise<StoredObject | null> => {
    try {
      const head = await evidence.head(key, version.versionId)
      evidence.sawLock(key, head)
      return storedObject(key, head)
    } catch (error) {
      if (!isAbsent(error)) throw error
      evidence.forget(key) // disposed of since it was located
      return null
    }
  }

  const described = async (group: KeyVersions): Promise<StoredObject | null> => {
    const version = await evidence.choose(group)
    return version && headOf(group.key, version)
  }

  return {
    get: (key, range = { start: 0, length: Number.POSITIVE_INFINITY }) => {
      return inOurWords(`reading ${key}`, async () => {
        checkKey(key)
        return await read(key, range)
      })
    },
    head: (key) =>
      inOurWords(`looking at ${key}`, async () => {
        checkKey(key)
        const version = await evidence.locate(key)
        return version && headOf(key, version)
      }),
    list: (prefix, { after = '', limit }) =>
      inOurWords(`listing ${prefix}`, async () => {
        const found: StoredObject[] = []
        if (folderOfPrefix(prefix) === null || !(limit >= 1)) return found
        const inside = `${keyRoot}/`
        let waiting: KeyVersions[] = []
        const flush = async () => {
          found.push(...(await Promise.all(waiting.map(described))).filter((object) => object !== null))
          waiting = []
        }
        const walk = { prefix: inside.startsWith(prefix) ? inside : prefix, after, pageKeys: limit + 1 }
        for await (const group of walkVersions(connection, walk)) {
          if (!isKey(group.key)) continue
          waiting.push(group)
          if (waiting.length >= Math.min(headsAtOnce, limit - found.length)) await flush()
          if (found.length >= limit) return found
        }
        await flush()
        return found
      }),
  }
}
