import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { type Clock, systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'
import { setUpBucket } from '#services/recordings/s3-bucket.ts'
import { createS3RecordingStore } from '#services/recordings/s3-recording-store.ts'
import { ownName, type Services } from './cluster.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

export type S3Settings = Config['s3']

/** Settings for a bucket of the test's own; not made yet. Locked objects stay: nobody can remove such a bucket today. */
export const s3Settings = async (t: Teardown, { s3 }: Services): Promise<S3Settings> => {
  const file = join(await temporaryFolder(t), 'secret')
  await writeFile(file, `${s3.secretAccessKey}\n`, { mode: 0o600 })
  return Config.parse({
    s3: {
      endpoint: s3.endpoint,
      bucket: ownName(),
      forcePathStyle: true,
      accessKeyId: s3.accessKeyId,
      secretAccessKeyFile: file,
    },
  }).s3
}

/** The same, with the bucket. */
export const s3Bucket = async (t: Teardown, services: Services): Promise<S3Settings> => {
  const config = await s3Settings(t, services)
  await setUpBucket(config)
  return config
}

type Tampering = { key: string; detail: string }
export type OpenS3Options = { clock?: Clock; maxRetentionYears?: number; onTampering?: (tampering: Tampering) => void }

export const openS3Store = (config: S3Settings, options: OpenS3Options = {}): Promise<RecordingStore> =>
  createS3RecordingStore({
    config,
    maxRetentionYears: 20,
    clock: systemClock,
    log: createLogger('s3-test', 'silent'),
    ...options,
  })

/** The store as anybody with these credentials reaches it, without our adapter. */
export const rawS3 = (
  t: Teardown,
  { s3 }: Services,
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string } = s3,
): S3Client => {
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  })
  t.teardown(() => client.destroy())
  return client
}
