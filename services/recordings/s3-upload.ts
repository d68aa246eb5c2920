import { hash, randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Logger } from '../log.ts'
import type { S3Connection } from './s3-connection.ts'
import { s3Code } from './s3-errors.ts'

/** Larger bodies go in parts of this size; blocks stay below. */
const partBytes = 16 * 1024 * 1024

type Part = { bytes: Uint8Array; sha256: Buffer }

/** `checksum`: what the store must name for the whole. `putId`: marks the version as the work of this one put. */
export type Upload = { key: string; sizeBytes: number; parts: Part[]; checksum: string; until: Date; putId: string }

export const putIdKey = 'bartizan-put'

export const createUpload = (key: string, bytes: Uint8Array, until: Date): Upload => {
  const parts: Part[] = []
  for (let from = 0; from < bytes.length || from === 0; from += partBytes) {
    const part = bytes.subarray(from, from + partBytes)
    parts.push({ bytes: part, sha256: hash('sha256', part, 'buffer') })
  }
  const [first] = parts
  const composite = () => hash('sha256', Buffer.concat(parts.map(({ sha256 }) => sha256)), 'base64')
  const checksum = parts.length === 1 ? first!.sha256.toString('base64') : `${composite()}-${parts.length}`
  return { key, sizeBytes: bytes.length, parts, checksum, until, putId: randomUUID() }
}

const target = ({ bucket }: S3Connection, { key }: Upload) => ({ Bucket: bucket, Key: key })

const lockHeaders = ({ until, putId }: Upload) => ({
  ObjectLockMode: 'COMPLIANCE' as const,
  ObjectLockRetainUntilDate: until,
  Metadata: { [putIdKey]: putId },
})

const bodyOf = ({ bytes, sha256 }: Part) => ({ Body: bytes, ChecksumSHA256: sha256.toString('base64') })

const putWhole = async (connection: S3Connection, upload: Upload, part: Part): Promise<void> => {
  const command = new PutObjectCommand({
    ...target(connection, upload),
    ...lockHeaders(upload),
    ...bodyOf(part),
    IfNoneMatch: '*',
  })
  await connection.client.send(command)
}

const putParts = async (connection: S3Connection, upload: Upload, uploadId: string): Promise<void> => {
  const place = { ...target(connection, upload), UploadId: uploadId }
  const done: CompletedPart[] = []
  for (const [index, part] of upload.parts.entries()) {
    const named = { PartNumber: index + 1, ...bodyOf(part) }
    const command = new UploadPartCommand({ ...place, ...named })
    const { ETag } = await connection.client.send(command)
    done.push({ PartNumber: named.PartNumber, ChecksumSHA256: named.ChecksumSHA256, ETag })
  }
  const complete = { ...place, IfNoneMatch: '*', MultipartUpload: { Parts: done } }
  await connection.client.send(new CompleteMultipartUploadCommand(complete))
}

const putInParts = async (connection: S3Connection, upload: Upload, log: Logger): Promise<void> => {
  const { UploadId = '' } = await connection.client.send(
    new CreateMultipartUploadCommand({
      ...target(connection, upload),
      ...lockHeaders(upload),
      ChecksumAlgorithm: 'SHA256', // without it versitygw refuses the parts' checksums at the end
    }),
  )
  try {
    await putParts(connection, upload, UploadId)
  } catch (error) {
    const abort = new AbortMultipartUploadCommand({ ...target(connection, upload), UploadId })
    await connection.client.send(abort).catch((reason: unknown) => {
      if (s3Code(reason) !== 'NoSuchUpload')
        log.warn({ key: upload.key, reason: s3Code(reason) }, 'parts are left behind')
    })
    throw error
  }
}

/** Sends the bytes; the store takes them if the key is free. */
export const sendUpload = (connection: S3Connection, upload: Upload, log: Logger): Promise<void> => {
  const [first, ...rest] = upload.parts
  return rest.length === 0 ? putWhole(connection, upload, first!) : putInParts(connection, upload, log)
}
