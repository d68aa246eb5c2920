import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from './disk-error.ts'
import { syncFolder } from './durable-file.ts'
import { abandonedNames, markedName } from './process-mark.ts'

const maxKnownFolders = 4096

export type DurableFolders = {
  /** The folder exists, and its name survives a power cut. Only for folders below the root. */
  ensure(folder: string): Promise<void>
}

/**
 * Folders below `root`, made as needed. That a folder exists does not mean its name is durable (whoever made it may
 * have been killed before the fsync): the first use in this process syncs its parent in any case.
 */
export const createDurableFolders = async (root: string): Promise<DurableFolders> => {
  const known = new Set<string>()
  const first = await mkdir(root, { recursive: true, mode: 0o700 })
  for (let made = root; first !== undefined && made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
  const ensure = async (folder: string): Promise<void> => {
    if (folder === root || known.has(folder)) return
    await ensure(dirname(folder))
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error
    })
    await syncFolder(dirname(folder))
    if (known.size >= maxKnownFolders) known.clear()
    known.add(folder)
  }
  return { ensure }
}

export type OnceWriter = {
  /**
   * Writes the whole file, durably, unless the name is taken: of any number of racing writers exactly one gets true.
   * In both cases the name in its folder is durable when this resolves. The folder has to exist.
   */
  write(file: string, bytes: Uint8Array, mode: number): Promise<boolean>
}

const writePartial = async (partial: string, bytes: Uint8Array, mode: number): Promise<void> => {
  const handle = await open(partial, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.chmod(mode)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** link(2), unlike rename(2), never replaces: it is the atomic "only if absent" of POSIX. */
const linkIfAbsent = async (partial: string, file: string): Promise<boolean> => {
  try {
    await link(partial, file)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** `partialFolder` must be on the same file system as the files; what dead processes left in it is removed here. */
export const createOnceWriter = async (partialFolder: string): Promise<OnceWriter> => {
  for (const name of await abandonedNames(partialFolder)) await rm(join(partialFolder, name), { force: true })
  return {
    write: async (file, bytes, mode) => {
      const partial = join(partialFolder, await markedName())
      let won: boolean
      try {
        await writePartial(partial, bytes, mode)
        won = await linkIfAbsent(partial, file)
      } finally {
        await rm(partial, { force: true })
      }
      // The loser syncs too: "it exists" must not be known before it is durable.
      await syncFolder(dirname(file))
      return won
    },
  }
}
