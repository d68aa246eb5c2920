import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { Engines } from './engines.ts'

/** What the bench itself asks of the store. */
const clientOf = ({ s3 }: Engines): S3Client => {
  const { endpoint, accessKeyId, secretAccessKey } = s3
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
}

/** For one run, with Object Lock. */
export const createBucket = async (engines: Engines, bucket: string): Promise<void> => {
  await clientOf(engines).send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }))
}

export const storedIn = async (engines: Engines, bucket: string): Promise<{ key: string; bytes: number }[]> => {
  const client = clientOf(engines)
  const all: { key: string; bytes: number }[] = []
  for (let token: string | undefined; ; ) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }))
    all.push(...(page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, bytes: Size })))
    token = page.NextContinuationToken
    if (token === undefined) return all
  }
}
