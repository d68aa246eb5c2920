import { readFile } from 'node:fs/promises'
import { HeadBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { BartizanError } from '../errors.ts'
import { createGate } from './s3-gate.ts'
import { createStoreClock, type StoreClock } from './s3-store-clock.ts'

/** One bucket and how to speak to it. */
export type S3Connection = { client: S3Client; bucket: string; storeClock: StoreClock }

const maxSecretLength = 4096

const credentialsOf = async ({ accessKeyId, secretAccessKeyFile: file }: Config['s3']) => {
  if (accessKeyId === undefined && file === undefined) return undefined
  if (accessKeyId === undefined || file === undefined) {
    throw new BartizanError('BTZ_CONFIG_INVALID', 's3.accessKeyId and s3.secretAccessKeyFile belong together')
  }
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BartizanError('BTZ_CONFIG_INVALID', `s3.secretAccessKeyFile: ${(cause as Error).message}`, { cause })
  })
  const secretAccessKey = text.trim()
  if (secretAccessKey === '' || secretAccessKey.length > maxSecretLength) {
    throw new BartizanError('BTZ_CONFIG_INVALID', `${file} (s3.secretAccessKeyFile) holds no secret key`)
  }
  return { accessKeyId, secretAccessKey }
}

const maxRequests = 64
export const maxBodies = 32
export const maxWaiting = 1000

// Never fewer than are needed: waiting for a free one would count as time that the store takes to connect.
const agent = { keepAlive: true, maxSockets: maxRequests + maxBodies }
const limits = {
  maxAttempts: 4,
  requestHandler: {
    connectionTimeout: 5_000,
    requestTimeout: 30_000, // until the head of the answer; without `throwOn…` it would only be logged
    throwOnRequestTimeout: true,
    socketTimeout: 30_000, // silence within an answer
    httpAgent: agent,
    httpsAgent: agent,
  },
  // With `Expect: 100-continue` the SDK opens a connection per request, without keep-alive and without a limit.
  expectContinueHeader: false,
} satisfies S3ClientConfig

const quiet = () => {}

/** Request bodies never reach a log: the SDK is given none. */
const noLog = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet }

/** A request with its repetitions. The body of its answer is read afterwards. */
const boundRequests = (client: S3Client): void => {
  const gate = createGate(maxRequests, maxWaiting)
  client.middlewareStack.add((next) => (args) => gate(() => next(args)), { step: 'initialize', name: 'boundRequests' })
}

const watchDates = (client: S3Client, storeClock: StoreClock): void => {
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentMs = performance.now()
      const result = await next(args)
      const { headers } = result.response as { headers?: Record<string, string> }
      storeClock.saw(sentMs, headers?.date)
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'watchDates' }, // low: nearest to the wire, so that errors are seen too
  )
}

/** The signature needs the SHA-256 of the body too: without this the SDK would hash it a second time. */
const signGivenHash = (client: S3Client): void => {
  client.middlewareStack.add(
    (next) => (args) => {
      const { ChecksumSHA256: given } = args.input as { ChecksumSHA256?: string }
      const { headers } = args.request as { headers: Record<string, string> }
      if (given !== undefined) headers['x-amz-content-sha256'] = Buffer.from(given, 'base64').toString('hex')
      return next(args)
    },
    { step: 'build', name: 'signGivenHash' },
  )
}

/** Connects at the first request. @throws BTZ_CONFIG_INVALID */
export const connectS3 = async (config: Config['s3'], clock: Clock): Promise<S3Connection> => {
  const { endpoint, region, forcePathStyle, bucket } = config
  const credentials = await credentialsOf(config)
  const client = new S3Client({
    ...limits,
    region,
    forcePathStyle,
    logger: noLog,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
  })
  // Any answer has a date, a refusal too.
  const ask = () => client.send(new HeadBucketCommand({ Bucket: bucket })).catch(() => {})
  const storeClock = createStoreClock(clock, ask)
  boundRequests(client)
  watchDates(client, storeClock)
  signGivenHash(client)
  return { client, bucket, storeClock }
}
