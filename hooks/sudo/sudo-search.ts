import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Descriptors,
  descriptorsOf,
  type FoundTerminal,
  isOfRoot,
  leadsTo,
  nameOf,
  processIds,
  terminalOf,
} from './process-files.ts'

/** Null: not there yet. `never`: whoever holds that socket has no terminal for a command. */
export type SearchResult = FoundTerminal | null | 'never'

const afterNothingMs = 250 // until the next walk, where the last one found nobody
const othersEveryMs = 1_000
const mostDescriptors = 256 // of a process that is not called sudo; sudo has some twenty
const atOnce = 64 // processes, before others get their turn

type Asked = { socket: string; heldBySudo: boolean; answer: (result: SearchResult) => void }
type Wanted = Map<string, Asked>

const rootProcesses = async (): Promise<number[]> => {
  const found: number[] = []
  for (const [at, pid] of processIds().entries()) {
    if (at % atOnce === atOnce - 1) await nextTurn()
    if (isOfRoot(pid)) found.push(pid)
  }
  return found
}

const terminalFor = async (pid: number, fd: string, fds: Descriptors, socket: string): Promise<SearchResult> => {
  const terminal = await terminalOf(pid, fds)
  return terminal && { ...terminal, holds: () => leadsTo(pid, fd, socket) && terminal.holds() }
}

const settle = (wanted: Wanted, asked: Asked, result: SearchResult): void => {
  wanted.delete(asked.socket)
  asked.answer(result)
}

const lookInto = async (pid: number, fds: Descriptors, wanted: Wanted, isSudo: boolean): Promise<void> => {
  for (const [fd, socket] of fds) {
    const asked = wanted.get(socket)
    if (!asked) continue
    asked.heldBySudo ||= isSudo
    const terminal = await terminalFor(pid, fd, fds, socket)
    if (terminal) settle(wanted, asked, terminal)
  }
}

/** The processes called sudo; answers with all others of root. */
const lookAtSudos = async (wanted: Wanted): Promise<number[]> => {
  const others: number[] = []
  for (const [at, pid] of (await rootProcesses()).entries()) {
    if (wanted.size === 0) break
    if (at % atOnce === atOnce - 1) await nextTurn()
    if (nameOf(pid) === 'sudo') await lookInto(pid, descriptorsOf(pid), wanted, true)
    else others.push(pid)
  }
  return others
}

/** A sudo that was started by another name. Its terminal is there before its first byte is: who has none gets none. */
const lookAtOthers = async (pids: readonly number[], wanted: Wanted): Promise<void> => {
  for (const [at, pid] of pids.entries()) {
    if (at % atOnce === atOnce - 1) await nextTurn()
    await lookInto(pid, descriptorsOf(pid, mostDescriptors), wanted, false)
  }
  for (const asked of [...wanted.values()]) settle(wanted, asked, asked.heldBySudo ? null : 'never')
}

/**
 * The terminal that the sudo behind a socket (by its inode) made for its command: not the user's own, and the one whose
 * mode says what becomes of typed keys. One walk through the processes is for all who asked before it began. Sudo is
 * root's process, whoever calls it.
 */
export const createSudoSearch = (): ((socketInode: number) => Promise<SearchResult>) => {
  let waiting: Asked[] = []
  let isWalking = false
  let othersAtMs = Number.NEGATIVE_INFINITY

  /** @returns whether anybody was found */
  const walk = async (): Promise<boolean> => {
    const wanted: Wanted = new Map(waiting.map((asked) => [asked.socket, asked]))
    const all = waiting
    waiting = []
    try {
      const others = await lookAtSudos(wanted)
      if (wanted.size > 0 && performance.now() - othersAtMs >= othersEveryMs) {
        othersAtMs = performance.now()
        await lookAtOthers(others, wanted)
      }
    } finally {
      for (const { answer } of all) answer(null) // who has an answer already keeps it
    }
    return wanted.size < all.length
  }
  const walkAll = async (): Promise<void> => {
    isWalking = true
    while (waiting.length > 0) {
      const found = await walk().catch(() => false)
      if (!found) await delay(afterNothingMs, undefined, { ref: false })
    }
    isWalking = false
  }

  return (socketInode) =>
    new Promise((answer) => {
      waiting.push({ socket: `socket:[${socketInode}]`, heldBySudo: false, answer })
      if (!isWalking) void walkAll()
    })
}
