import { readFile } from 'node:fs/promises'
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { z } from 'zod'
import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { connectS3 } from './s3-connection.ts'
import { inOurWords } from './s3-errors.ts'

const file = new URL('../../docs/operations/policies/evidence-bucket.json', import.meta.url)

/** ARNs on AWS, access keys on versitygw. */
export type BucketUsers = { writer: string; reader: string; custodian: string }

const Policy = z.looseObject({
  Statement: z.array(z.looseObject({ Principal: z.object({ AWS: z.array(z.string()) }) })),
})

/** The documented policy, for these users: others are left out. */
const policyFor = async (bucket: string, { writer, reader, custodian }: BucketUsers): Promise<string> => {
  const text = (await readFile(file, 'utf8'))
    .replaceAll('@BUCKET@', bucket)
    .replaceAll('@WRITER@', writer)
    .replaceAll('@READER@', reader)
    .replaceAll('@CUSTODIAN@', custodian)
  const policy = Policy.parse(JSON.parse(text))
  const statements = policy.Statement.map((statement) => ({
    ...statement,
    Principal: { AWS: statement.Principal.AWS.filter((principal) => !principal.startsWith('@')) },
  }))
  return JSON.stringify({ ...policy, Statement: statements.filter(({ Principal }) => Principal.AWS.length > 0) })
}

/** Replaces the bucket's policy. @throws BTZ_RECORDINGS_MISCONFIGURED BTZ_UNAVAILABLE */
export const grantBucket = async (config: Config['s3'], users: BucketUsers): Promise<void> => {
  const { client, bucket } = await connectS3(config, systemClock)
  try {
    await inOurWords(`setting the policy of bucket ${bucket}`, async () => {
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: await policyFor(bucket, users) }))
    })
  } finally {
    client.destroy()
  }
}
