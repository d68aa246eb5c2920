import { readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonedNames, markedName } from '../process-mark.ts'

/**
 * What was being put when a process died: a symbolic link per running put, whose target text is the key (made and read
 * in one step each, never followed). A put that was killed between link(2) and the fsync of the folder is visible
 * but not yet durable; whoever opens the store next finishes it before anyone builds on it.
 */
export const createPutIntents = (folder: string) => ({
  /** Runs `work` under an intent for `key`. */
  during: async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const intent = join(folder, await markedName())
    await symlink(key, intent)
    try {
      return await work()
    } finally {
      await rm(intent, { force: true })
    }
  },
  /** Calls `finish` with every key that a dead process was putting. */
  recover: async (finish: (key: string) => Promise<void>): Promise<void> => {
    for (const name of await abandonedNames(folder)) {
      const intent = join(folder, name)
      await finish(await readlink(intent))
      await rm(intent, { force: true })
    }
  },
})
