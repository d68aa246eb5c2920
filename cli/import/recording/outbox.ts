import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { makeFolder } from '#services/make-folder.ts'
import type { Post } from '../post.ts'
import { sendStaged } from './send-staged.ts'

const staged = '.staged'

/** What is finished and not sent yet, and which sessions were sent: in the folder of the import, across its deaths. */
export const createOutbox = async (folder: string, post: Post) => {
  const done = join(folder, 'done')
  await makeFolder(done)
  for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name))

  const send = async (sessionId: string): Promise<void> => {
    const file = join(folder, `${sessionId}${staged}`)
    try {
      await sendStaged(file, post)
    } catch (error) {
      if (!hasCode(error, 'BTZ_IMPORT_FAILED')) throw error
      // It would be refused again each time, and hold up all others.
      const kept = join(folder, `${sessionId}.refused`)
      await rename(file, kept)
      const message = `${(error as Error).message}; what was made of it is in ${kept}`
      throw new BartizanError('BTZ_IMPORT_FAILED', message, { cause: error })
    }
    await writeFileDurably(join(done, sessionId), '')
    await rm(file)
  }
  return {
    fileOf: (sessionId: string): string => join(folder, `${sessionId}${staged}`),
    isSent: (sessionId: string): Promise<boolean> =>
      stat(join(done, sessionId)).then(
        () => true,
        () => false,
      ),
    send,
    /** What an import that was cut off left behind. `onRefused`: it will never be taken. */
    sendLeftOver: async (onRefused: (sessionId: string, reason: string) => void): Promise<void> => {
      for (const name of (await readdir(folder)).sort()) {
        if (!name.endsWith(staged)) continue
        const sessionId = name.slice(0, -staged.length)
        await send(sessionId).catch((error: unknown) => {
          if (!hasCode(error, 'BTZ_IMPORT_FAILED')) throw error
          onRefused(sessionId, (error as Error).message)
        })
      }
    },
  }
}
export type Outbox = Awaited<ReturnType<typeof createOutbox>>
