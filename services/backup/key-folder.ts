import { hash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../disk-error.ts'

/** The folder of the session keys, as key-files.ts writes it: `<aa>/<bb>/<SHA-256 of the id>.<key | destroyed>`. */

const fanOut = /^[0-9a-f]{2}$/
const fileForm = /^([0-9a-f]{64})\.(key|destroyed)$/
/** Folders and files of this last stretch before the last backup are looked at again: clocks of file systems are coarse. */
const marginMs = 60_000

export type KeyFile = { ending: 'key' | 'destroyed'; name: string; text: string }

const Named = z.looseObject({ id: z.string().max(512) })

/** The id that a file of a key or its tombstone names; null: damaged, or not of this name. */
export const idIn = ({ name, text }: { name: string; text: string }): string | null => {
  try {
    const { id } = Named.parse(JSON.parse(text))
    return hash('sha256', id) === name ? id : null
  } catch {
    return null
  }
}

/** The time by the clock of the file system that holds the folder, which may be another machine's. */
export const fileSystemMs = async (folder: string): Promise<number> => {
  const probe = join(folder, '.partial', `clock-${randomUUID()}`)
  await writeFile(probe, '')
  try {
    return (await stat(probe)).mtimeMs
  } finally {
    await rm(probe, { force: true })
  }
}

const namesIn = (folder: string): string[] => readdirSync(folder).sort()

/** Null: gone since it was listed, as a key that was destroyed. */
const textOf = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/** A new name changes the time of its folder, and a link that of the file (inode(7)), so folders without news are skipped. */
function* foldersSince(folder: string, fromMs: number): Generator<string, void, void> {
  for (const first of namesIn(folder).filter((name) => fanOut.test(name)))
    for (const second of namesIn(join(folder, first)).filter((name) => fanOut.test(name))) {
      const path = join(folder, first, second)
      if (statSync(path).mtimeMs >= fromMs) yield path
    }
}

/**
 * Keys and tombstones, each once, in no order between folders. Reads without waiting in between: for a process that does
 * nothing else. `sinceMs`: only what came after it; null: all.
 */
export function* keyFiles(folder: string, sinceMs: number | null): Generator<KeyFile, void, void> {
  const fromMs = sinceMs === null ? 0 : sinceMs - marginMs
  for (const path of foldersSince(folder, fromMs))
    for (const file of namesIn(path)) {
      const [, name, ending] = fileForm.exec(file) ?? []
      if (name === undefined || (ending !== 'key' && ending !== 'destroyed')) continue
      const at = join(path, file)
      if (fromMs > 0 && (statSync(at, { throwIfNoEntry: false })?.ctimeMs ?? 0) < fromMs) continue
      const text = textOf(at)
      // Looked for last: once it stands, what was read may be half overwritten already.
      const isDestroyed = ending === 'key' && existsSync(join(path, `${name}.destroyed`))
      if (text !== null && !isDestroyed) yield { ending, name, text }
    }
}
