import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { BartizanError, hasCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import { checkKey } from './recording-key.ts'
import type { RecordingStore, RecordingWriter } from './recording-store.ts'
import { checkBucket } from './s3-bucket.ts'
import { connectS3, type S3Connection } from './s3-connection.ts'
import { inOurWords } from './s3-errors.ts'
import { createEvidence, type Evidence, type Tampering } from './s3-evidence.ts'
import { createRetentionExtender } from './s3-extend-retention.ts'
import { checkRetention, lockDate } from './s3-object-lock.ts'
import { createPut } from './s3-put.ts'
import { createS3RecordingReader, maxObjectBytes } from './s3-recording-reader.ts'
import { createTestedOnce } from './s3-self-test-once.ts'
import { createUpload } from './s3-upload.ts'

export type S3RecordingStoreOptions = {
  config: Config['s3']
  maxRetentionYears: number
  clock: Clock
  log: Logger
  /** Once per key: something stands under it that we did not put, or it is not locked. Reads go on with the oldest locked version. */
  onTampering?: (tampering: Tampering) => void
}

const promiseOf = (bucket: string): string =>
  [
    `Evidence in bucket ${bucket} is locked in COMPLIANCE mode with a date of its own: nobody, its owner included, can change, delete or`,
    'shorten it through S3 before that date. What is put over it is seen, reported and not read.',
    'That is worth as much as the store: whoever can write to the disks of a store you run yourself can change files there;',
    'the digest chain shows it. What is acknowledged is as durable as the store makes it: versitygw, for one, does not fsync.',
  ].join(' ')

type Parts = { connection: S3Connection; evidence: Evidence; tested: () => Promise<void> }

const createWriter = (
  { maxRetentionYears, clock, log }: S3RecordingStoreOptions,
  { connection, evidence, tested }: Parts,
): RecordingWriter => {
  const putOnce = createPut(connection, evidence, log)
  const extend = createRetentionExtender(connection, evidence)
  const allow = async (retainUntil: Date): Promise<void> => {
    checkRetention(retainUntil, maxRetentionYears, clock)
    await connection.storeClock.check()
    await tested()
  }
  return {
    put: (key, bytes, { retainUntil }) =>
      inOurWords(`putting ${key}`, async () => {
        checkKey(key)
        if (bytes.length > maxObjectBytes) {
          throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `${key}: ${bytes.length} bytes; at most ${maxObjectBytes}`)
        }
        await allow(retainUntil)
        return await putOnce(createUpload(key, bytes, lockDate(retainUntil)))
      }),
    extendRetention: (key, retainUntil) =>
      inOurWords(`extending ${key}`, async () => {
        checkKey(key)
        await allow(retainUntil)
        await extend(key, retainUntil)
      }),
  }
}

/**
 * Evidence in an Object Lock bucket. With credentials that may not put, it can be read only. Other processes may put into
 * the bucket at the same time.
 * @throws BTZ_RECORDING_UNLOCKED when the bucket or the store does not lock; BTZ_RECORDINGS_MISCONFIGURED (no such bucket,
 * no permission), BTZ_CONFIG_INVALID, BTZ_UNAVAILABLE (try again). Each put also BTZ_CLOCK_SKEW, BTZ_RETENTION_TOO_LONG.
 */
export const createS3RecordingStore = async (options: S3RecordingStoreOptions): Promise<RecordingStore> => {
  const { config, clock, log, onTampering = () => {} } = options
  const connection = await connectS3(config, clock)
  try {
    const evidence = createEvidence(connection, log, onTampering)
    const tested = createTestedOnce(connection, clock)
    await checkBucket(connection)
    await tested().catch((error: unknown) => {
      // Evidence can be read all the same; each put tries again.
      if (!hasCode(error, 'BTZ_CLOCK_SKEW') && !hasCode(error, 'BTZ_RECORDINGS_MISCONFIGURED')) throw error
      log.warn({ reason: (error as Error).message }, 'evidence can be read, but not put')
    })
    const promise = promiseOf(config.bucket)
    log.info({ endpoint: config.endpoint ?? 'AWS', bucket: config.bucket }, promise)
    return {
      ...createWriter(options, { connection, evidence, tested }),
      ...createS3RecordingReader(connection, evidence),
      promise: () => promise,
      close: async () => connection.client.destroy(),
    }
  } catch (error) {
    connection.client.destroy()
    throw error
  }
}
