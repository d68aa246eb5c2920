import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import type { TtyMode } from '#hooks/hook.ts'
import type { TtyProbe } from './tty-probe.ts'

const lookups = 5 // sudo makes its terminal shortly after its accept
const lookupEveryMs = 200

const quietly = <T>(reading: Promise<T>): Promise<T | null> => reading.catch(() => null) // processes come and go

const fdsOf = async (pid: number): Promise<{ fd: string; target: string }[]> => {
  const fds = (await quietly(readdir(`/proc/${pid}/fd`))) ?? []
  const links = await Promise.all(
    fds.map(async (fd) => ({ fd, target: await quietly(readlink(`/proc/${pid}/fd/${fd}`)) })),
  )
  return links.flatMap(({ fd, target }) => (target === null ? [] : [{ fd, target }]))
}

const isSudo = async (pid: number): Promise<boolean> =>
  (await quietly(readFile(`/proc/${pid}/comm`, 'latin1')))?.trim() === 'sudo'

// The newest first: whoever asks has just connected. A sudo that was started by another name is found in a second round.
async function* candidates(): AsyncGenerator<number> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)
  pids.sort((a, b) => b - a)
  const others: number[] = []
  for (const pid of pids) {
    if (await isSudo(pid)) yield pid
    else others.push(pid)
  }
  yield* others
}

// A process with a /dev/pts of its own numbers its terminals differently.
const sharesTerminals = async (pid: number): Promise<boolean> => {
  const [theirs, ours] = await Promise.all([quietly(stat(`/proc/${pid}/root/dev/pts`)), quietly(stat('/dev/pts'))])
  return theirs !== null && theirs.dev === ours?.dev
}

type Descriptors = Awaited<ReturnType<typeof fdsOf>>

/** The terminal a process made for its command: sudo, script. Null: not ours to look at, not there (yet), or of another container. */
export const terminalOf = async (pid: number, fds?: Descriptors): Promise<string | null> => {
  for (const { fd, target } of fds ?? (await fdsOf(pid))) {
    if (target !== '/dev/ptmx' && target !== '/dev/pts/ptmx') continue
    const info = await quietly(readFile(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))
    const index = /^tty-index:\s*([0-9]{1,10})$/m.exec(info ?? '')?.[1]
    if (index !== undefined && (await sharesTerminals(pid))) return `/dev/pts/${index}`
  }
  return null
}

/**
 * The terminal that the sudo behind a socket made for its command: not the user's own, and the one whose mode says what
 * becomes of typed keys. Null: as terminalOf, or not root.
 */
export const commandTerminal = async (socketInode: number): Promise<string | null> => {
  for await (const pid of candidates()) {
    const fds = await fdsOf(pid)
    if (!fds.some(({ target }) => target === `socket:[${socketInode}]`)) continue
    const terminal = await terminalOf(pid, fds)
    if (terminal !== null) return terminal
  }
  return null
}

/** Mode of the terminal of the session behind a socket (or what else `find` knows), while that session goes on. */
export const createTtyMode = (
  socketInode: number,
  probe: Pick<TtyProbe, 'mode'>,
  find: (socketInode: number) => Promise<string | null> = (inode) => commandTerminal(inode),
): (() => Promise<TtyMode>) => {
  let terminal: Promise<string | null> | null = null
  let left = lookups
  let lookedAtMs = Number.NEGATIVE_INFINITY
  const lookUp = async (): Promise<string | null> => {
    const found = await find(socketInode).catch(() => null)
    if (found === null) terminal = null
    return found
  }
  return async () => {
    if (!terminal) {
      if (left === 0 || performance.now() - lookedAtMs < lookupEveryMs) return 'unknown'
      left -= 1
      lookedAtMs = performance.now()
      terminal = lookUp()
    }
    const name = await terminal
    return name === null ? 'unknown' : probe.mode(name)
  }
}
