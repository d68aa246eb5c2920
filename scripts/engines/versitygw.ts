import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { installed, type Say } from './cache.ts'
import { type Engine, startEngine } from './engine.ts'
import { answers, type Keep } from './engine-process.ts'
import { freePorts } from './free-ports.ts'
import { run } from './programs.ts'
import { versitygw } from './versitygw/install.ts'

export type VersitygwOptions = {
  /** For objects, users and the log; the caller removes it after stop(). */
  folder: string
  keep?: Keep
  say?: Say
}

export type Versitygw = Engine & {
  endpoint: string
  /** Where its command makes users: `<adminCommand> admin --endpoint-url <adminEndpoint> …`. */
  adminEndpoint: string
  adminCommand: string
  /** Of its root. */
  accessKeyId: string
  secretAccessKey: string
  /** With Object Lock, so with versions; has no default retention. */
  bucket: string
}

export const bucket = 'bartizan-evidence'

export const createBucket = (gateway: Omit<Versitygw, keyof Engine>): Promise<void> =>
  run(
    gateway.adminCommand,
    [
      'admin',
      'create-bucket',
      '--owner',
      gateway.accessKeyId,
      '--bucket',
      gateway.bucket,
      '--object-lock-enabled-for-bucket',
    ],
    {
      env: {
        ADMIN_ACCESS_KEY: gateway.accessKeyId,
        ADMIN_SECRET_KEY: gateway.secretAccessKey,
        ADMIN_ENDPOINT_URL: gateway.adminEndpoint,
      },
    },
  )

/** Its program, compiled if it is not there yet. @throws with what to install when Go is missing */
export const prepareVersitygw = async (say: Say = () => {}): Promise<string> =>
  join(await installed(versitygw, say), 'versitygw')

/** Starts an S3 store with Object Lock on free ports of 127.0.0.1, and makes a bucket. The first time compiles it. */
export const startVersitygw = async (options: VersitygwOptions): Promise<Versitygw> => {
  const binary = await prepareVersitygw(options.say)
  const [port, adminPort] = (await freePorts(2)) as [number, number]
  const folder = (name: string): string => join(options.folder, 'versitygw', name) // absolute, or it refuses them
  for (const name of ['root', 'versions', 'iam']) await mkdir(folder(name), { recursive: true })
  const gateway = {
    endpoint: `http://127.0.0.1:${port}`,
    adminEndpoint: `http://127.0.0.1:${adminPort}`,
    adminCommand: binary,
    accessKeyId: 'rootkey00',
    secretAccessKey: randomBytes(20).toString('hex'),
    bucket,
  }
  const listening = ['--port', `127.0.0.1:${port}`, '--admin-port', `127.0.0.1:${adminPort}`, '--health', '/healthz']
  const users = ['--iam-dir', folder('iam'), '--iam-cache-disable']
  const engine = await startEngine({
    name: 'versitygw',
    command: binary,
    args: [
      ...listening,
      ...users,
      '--keep-alive',
      '--quiet',
      'posix',
      '--versioning-dir',
      folder('versions'),
      folder('root'),
    ],
    env: { ROOT_ACCESS_KEY: gateway.accessKeyId, ROOT_SECRET_KEY: gateway.secretAccessKey },
    logFile: folder('versitygw.log'),
    ...(options.keep ? { keep: options.keep } : {}),
    isReady: () => answers(`${gateway.endpoint}/healthz`),
  })
  await createBucket(gateway).catch(async (error: unknown) => {
    await engine.stop()
    throw error
  })
  return { ...gateway, ...engine }
}
