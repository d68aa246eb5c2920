import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

// /proc is memory: a call takes microseconds, a promise for it ten times as long. Only what leaves it is asynchronous.
const quietly = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null // processes come and go
  }
}

/** Of a process: where its descriptors lead, by their numbers. */
export type Descriptors = ReadonlyMap<string, string>

/** The newest first. */
export const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .sort((a, b) => b - a)

export const isOfRoot = (pid: number): boolean => quietly(() => statSync(`/proc/${pid}`).uid) === 0

export const nameOf = (pid: number): string | null =>
  quietly(() => readFileSync(`/proc/${pid}/comm`, 'latin1'))?.trim() ?? null

const targetOf = (pid: number, fd: string): string | null => quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`))

/** None where there are more than `most`. */
export const descriptorsOf = (pid: number, most = Number.POSITIVE_INFINITY): Descriptors => {
  const fds = quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  if (fds.length > most) return new Map()
  return new Map(
    fds.flatMap((fd) => {
      const target = targetOf(pid, fd)
      return target === null ? [] : [[fd, target] as const]
    }),
  )
}

/** `holds`: whether the process that made the terminal still has it. A name alone may mean another one by now. */
export type FoundTerminal = { name: string; holds(): boolean }

const indexOf = (pid: number, fd: string): string | undefined =>
  /^tty-index:\s*([0-9]{1,10})$/m.exec(quietly(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')) ?? '')?.[1]

// A process with a /dev/pts of its own numbers its terminals differently.
const sharesTerminals = async (pid: number): Promise<boolean> => {
  const [theirs, ours] = await Promise.all(
    [`/proc/${pid}/root/dev/pts`, '/dev/pts'].map((folder) => stat(folder).catch(() => null)),
  )
  return !!theirs && theirs.dev === ours?.dev
}

/** The terminal a process made for its command: sudo, script. Null: not ours to look at, not there (yet), or of another container. */
export const terminalOf = async (pid: number, fds = descriptorsOf(pid)): Promise<FoundTerminal | null> => {
  for (const [fd, target] of fds) {
    if (target !== '/dev/ptmx' && target !== '/dev/pts/ptmx') continue
    const index = indexOf(pid, fd)
    if (index !== undefined && (await sharesTerminals(pid)))
      return { name: `/dev/pts/${index}`, holds: () => indexOf(pid, fd) === index }
  }
  return null
}

/** Whether this very socket is still what the descriptor leads to: no other process can have it under that number. */
export const leadsTo = (pid: number, fd: string, target: string): boolean => targetOf(pid, fd) === target
