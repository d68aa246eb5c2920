import { existsSync } from 'node:fs'
import type { TtyMode } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'
import { createSudoSearch } from './sudo-search.ts'
import { createFewLooks, createTtyMode } from './tty-mode.ts'
import { createRootProbe, createTtyProbe, rootProbePath, type TtyProbe } from './tty-probe.ts'

/** The mode of the terminal of the sudo behind a socket, by the socket's inode. */
export type TtyModes = { of(socketInode: number): () => Promise<TtyMode>; close(): void }

const unknownEveryMs = 5_000

/** Root's probe looks by itself. Who it has not found after a few looks is no sudo, or the probe is not there just now. */
const askingRoot = (socketInode: number, probe: Pick<TtyProbe, 'mode'>): (() => Promise<TtyMode>) => {
  const looks = createFewLooks(unknownEveryMs)
  let isFound = false
  return async () => {
    if (!isFound && !looks.may()) return 'unknown'
    const mode = await probe.mode(String(socketInode))
    isFound ||= mode !== 'unknown'
    return mode
  }
}

/** Only root may look at another user's terminal: who is not asks root's probe, where there is one. Null: nobody to ask. */
export const createTtyModes = (log: Logger): TtyModes | null => {
  if (process.getuid?.() === 0) {
    const probe = createTtyProbe(log)
    const search = createSudoSearch()
    return { of: (inode) => createTtyMode(inode, probe, search), close: probe.close }
  }
  if (!existsSync(rootProbePath)) return null
  const probe = createRootProbe(log)
  return { of: (inode) => askingRoot(inode, probe), close: probe.close }
}
