import { ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { BartizanError } from '../errors.ts'
import type { Finding } from '../finding.ts'
import { evidenceRoots } from './recording-key.ts'
import { checkBucket } from './s3-bucket.ts'
import { connectS3, type S3Connection } from './s3-connection.ts'
import { inOurWords, isDenied, s3Error } from './s3-errors.ts'
import { runSelfTest } from './s3-self-test.ts'

const failed = (check: string, error: unknown): Finding => {
  const said = s3Error(error, check)
  const fix = said instanceof BartizanError ? said.hint : undefined
  return { check, ok: false, detail: said.message, ...(fix !== undefined && { fix }) }
}

const finding = async (check: string, look: () => Promise<string>): Promise<Finding> => {
  try {
    return { check, ok: true, detail: await look() }
  } catch (error) {
    return failed(check, error)
  }
}

const selfTest = async (connection: S3Connection, clock: Clock): Promise<Finding> => {
  const check = 's3 lock'
  try {
    const key = await runSelfTest(connection, clock)
    return { check, ok: true, detail: `the store refused to shorten and to delete ${key}` }
  } catch (error) {
    if (!isDenied(error)) return failed(check, error)
    return {
      check,
      ok: true,
      skipped: true,
      detail: 'these credentials may not put: with them evidence can only be read',
    }
  }
}

const mayList = async ({ client, bucket }: S3Connection): Promise<string> => {
  for (const root of evidenceRoots) {
    const request = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: `${root}/`, MaxKeys: 1 })
    await inOurWords(`listing the versions under ${root}/`, () => client.send(request))
  }
  return 'versions of evidence can be listed'
}

const look = async (connection: S3Connection, clock: Clock): Promise<Finding[]> => {
  const { bucket, storeClock } = connection
  const found = await finding('s3 bucket', async () => {
    await checkBucket(connection)
    return `${bucket} has versioning and Object Lock`
  })
  if (storeClock.skewMs() === null) return [found] // no answer at all
  const clocks = await finding('s3 clock', async () => {
    await storeClock.check()
    return 'agrees with ours'
  })
  if (!found.ok || !clocks.ok) return [found, clocks] // a lock from a wrong clock could not be taken back
  return [found, clocks, await selfTest(connection, clock), await finding('s3 list', () => mayList(connection))]
}

/**
 * Tries what the store has to do and must not do, with the credentials of `config`; with those of the set-up, who may
 * delete, the refusal to delete is the lock's. Writes at most the self-test's object of the day. Never throws for what is
 * wrong with the store: that is a finding.
 */
export const inspectS3 = async (config: Config['s3'], clock: Clock): Promise<Finding[]> => {
  try {
    const connection = await connectS3(config, clock)
    try {
      return await look(connection, clock)
    } finally {
      connection.client.destroy()
    }
  } catch (error) {
    return [failed('s3 settings', error)]
  }
}
