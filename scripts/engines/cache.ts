import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Root's is the machine's: Elasticsearch, which refuses to run as root, runs from it as nobody, whom /root is closed to. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.()): string => {
  const base = env.XDG_CACHE_HOME || (uid === 0 ? '/var/cache' : join(homedir(), '.cache'))
  return join(base, 'bartizan', 'engines')
}

export type Installation = {
  /** Name and version; with a new version comes a new folder. */
  name: string
  /** Fills an empty folder; throws when what it got is not what was pinned. */
  fill(folder: string): Promise<void>
}

/**
 * The folder of an installation, filled if it is not there yet. It gets its name only when it is complete, so that
 * neither an abort nor a second run at the same time leaves half of one.
 */
export const installed = async ({ name, fill }: Installation, say: (line: string) => void): Promise<string> => {
  const folder = join(cacheFolder(), name)
  if (existsSync(folder)) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const draft = await mkdtemp(join(cacheFolder(), `.${name}-`))
  const started = Date.now()
  try {
    await fill(draft)
    await rename(draft, folder)
    say(`${name}: installed in ${Math.round((Date.now() - started) / 1000)} s into ${folder}`)
  } catch (error) {
    if (!existsSync(folder)) throw error // else another run was faster
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return folder
}
