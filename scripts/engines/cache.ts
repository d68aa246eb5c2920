import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '#services/errors.ts'
import { acquireLock, type Lock } from '#services/lock/sqlite-lock.ts'

/** Takes a line of progress, for people. */
export type Say = (line: string) => void

/** Root's is the machine's: Elasticsearch, which refuses to run as root, runs from it as nobody, whom /root is closed to. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.()): string => {
  const base = env.XDG_CACHE_HOME || (uid === 0 ? '/var/cache' : join(homedir(), '.cache'))
  return join(base, 'bartizan', 'engines')
}

export type Installation = {
  /** Name and version; with a new version comes a new folder. */
  name: string
  /** What the first time takes, for people. */
  effort: string
  /** Fills an empty folder; throws when what it got is not what was pinned. */
  fill(folder: string): Promise<void>
}

const lockLimitMs = 20 * 60_000

/** One holder at a time, of all runs on this machine. The kernel frees the lock of a dead one. */
const untilLocked = async (name: string, limitMs = lockLimitMs): Promise<Lock> => {
  const end = Date.now() + limitMs
  for (;;) {
    try {
      return await acquireLock(join(cacheFolder(), `${name}.lock`), { pid: process.pid, what: `installs ${name}` })
    } catch (error) {
      if (!hasCode(error, 'BTZ_DATA_LOCKED')) throw error
      if (Date.now() > end) throw new Error(`${name}: not installed after ${limitMs / 60_000} minutes, by another run`)
      await wait(200)
    }
  }
}

export const withLock = async <T>(name: string, body: () => Promise<T>): Promise<T> => {
  await mkdir(cacheFolder(), { recursive: true })
  const lock = await untilLocked(name)
  try {
    return await body()
  } finally {
    await lock.release()
  }
}

/** What an aborted run left goes first: with the lock, it is nobody's. */
const install = async ({ name, fill }: Installation, folder: string): Promise<void> => {
  const draft = join(cacheFolder(), `.${name}.draft`)
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft)
  try {
    await fill(draft)
    await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

const installLoudly = async (installation: Installation, folder: string, say: Say): Promise<void> => {
  const { name, effort } = installation
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  say(`${name}: installing (${effort})`)
  const timer = setInterval(() => say(`${name}: still installing, ${seconds()} s`), 15_000)
  try {
    await install(installation, folder)
    say(`${name}: installed in ${seconds()} s into ${folder}`)
  } finally {
    clearInterval(timer)
  }
}

/**
 * The folder of an installation, filled if it is not there yet. It gets its name only when it is complete: an aborted
 * run leaves no half of one.
 */
export const installed = async (installation: Installation, say: Say): Promise<string> => {
  const folder = join(cacheFolder(), installation.name)
  if (existsSync(folder)) return folder
  await withLock(installation.name, async () => {
    if (!existsSync(folder)) await installLoudly(installation, folder, say)
  })
  return folder
}
