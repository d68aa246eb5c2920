import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '#services/config.ts'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'

const name = 'secrets'

/** Mounted there by the container's runtime, for the one user of the container. */
const isMounted = (path: string): boolean => path.startsWith('/run/secrets/')

const configuredFiles = ({ kafka, s3, elasticsearch, uplink }: Config): string[] =>
  [
    kafka.passwordFile,
    s3.secretAccessKeyFile,
    elasticsearch.passwordFile,
    elasticsearch.apiKeyFile,
    uplink.tokenFile,
  ].filter((file) => file !== undefined)

const keysFolder = ({ data, keysFolder: own }: Config): string => own ?? join(data, 'keys')

const ownFiles = (config: Config): string[] => [
  config.data,
  keysFolder(config),
  join(keysFolder(config), 'master.key'),
  ...['owner.token', 'identity.key', 'agent', 'agent/token', 'agent/identity.key', 'agent/credentials.json'].map(
    (file) => join(config.data, file),
  ),
]

/** A folder above it that nobody but its owner may pass. */
const isShielded = async (path: string): Promise<boolean> => {
  const folder = dirname(path)
  if (((await stat(folder)).mode & 0o011) === 0) return true
  return dirname(folder) === folder ? false : isShielded(folder)
}

const isExposed = async (path: string, isOwn: boolean): Promise<boolean> => {
  const { mode } = await stat(path)
  if ((mode & 0o077) === 0 || isMounted(path)) return false
  return isOwn || !(await isShielded(path))
}

const judgeMode = async (path: string, isOwn: boolean): Promise<Finding | null> => {
  try {
    if (!(await isExposed(path, isOwn))) return null
    const octal = ((await stat(path)).mode & 0o777).toString(8).padStart(3, '0')
    return wrong(
      name,
      `${path} has mode ${octal}: other users can reach it`,
      `chmod go= '${path}', find out who had access, and replace what they may have read`,
    )
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && isOwn) return null // not made yet
    return wrong(
      name,
      `${path} cannot be read: ${(error as Error).message}`,
      'make the file readable for the user that Bartizan runs as, or mend the setting that names it',
    )
  }
}

const masterKey = async (folder: string): Promise<Finding> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  if (names === null) return notChecked('keys', `${folder} is not there yet; the first start makes it`)
  if (names.includes('master.key')) return fine('keys', `master key in ${folder}: keep a copy elsewhere`)
  if (!names.some((each) => /^[0-9a-f]{2}$/.test(each))) return notChecked('keys', `${folder} holds no keys yet`)
  return wrong(
    'keys',
    `${folder} has keys, but the master key that opens them is missing`,
    `put master.key back from your copy; without it no recording can be read`,
  )
}

/** Owner and mode of what nobody else may read. */
export const privateFiles: Check = {
  name,
  run: async ({ config }) => {
    const looks = [
      ...ownFiles(config).map((path) => judgeMode(path, true)),
      ...configuredFiles(config).map((path) => judgeMode(path, false)),
    ]
    const bad = (await Promise.all(looks)).filter((finding) => finding !== null)
    const modes = bad.length > 0 ? bad : [fine(name, 'nobody else can read them')]
    return [...modes, await masterKey(keysFolder(config))]
  },
}
