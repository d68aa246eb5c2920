import { existsSync } from 'node:fs'
import type { TtyMode } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'
import { createTtyMode } from './tty-mode.ts'
import { createRootProbe, createTtyProbe, rootProbePath } from './tty-probe.ts'

/** The mode of the terminal of the sudo behind a socket, by the socket's inode. */
export type TtyModes = { of(socketInode: number): () => Promise<TtyMode>; close(): void }

/** Only root may look at another user's terminal: who is not asks root's probe, where there is one. Null: nobody to ask. */
export const createTtyModes = (log: Logger): TtyModes | null => {
  if (process.getuid?.() === 0) {
    const probe = createTtyProbe(log)
    return { of: (inode) => createTtyMode(inode, probe), close: probe.close }
  }
  if (!existsSync(rootProbePath)) return null
  const probe = createRootProbe(log)
  return { of: (inode) => () => probe.mode(String(inode)), close: probe.close }
}
