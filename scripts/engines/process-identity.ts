import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

/** A process that no other can be taken for: pids are reused, also after a reboot. `startTicks`: proc(5), stat, field 22. */
export type ProcessIdentity = { pid: number; startTicks: string; bootId: string }

type Stat = { group: number; startTicks: string }

/** proc(5), stat. @returns null for a zombie: it has ended, whether or not its parent has noticed; and for no stat at all */
export const parseStat = (text: string): Stat | null => {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // the name before may itself hold blanks and brackets
  const [state, group, startTicks] = [fields[0], fields[2], fields[19]]
  return state === 'Z' || startTicks === undefined ? null : { group: Number(group), startTicks }
}

const statOf = async (pid: number | string): Promise<Stat | null> =>
  parseStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))

/** @returns null when there is no such process */
export const identify = async (pid: number): Promise<ProcessIdentity | null> => {
  const stat = await statOf(pid)
  if (stat === null) return null
  return {
    pid,
    startTicks: stat.startTicks,
    bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  }
}

export const isRunning = async (identity: ProcessIdentity): Promise<boolean> => {
  const now = await identify(identity.pid)
  return now !== null && now.startTicks === identity.startTicks && now.bootId === identity.bootId
}

const signalGroup = (group: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** To a process that leads a process group, and to its children; to nobody when it has ended. */
export const signalProcess = async (identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> => {
  if (await isRunning(identity)) signalGroup(identity.pid, signal)
}

const groupIsEmpty = async (group: number): Promise<boolean> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return (await Promise.all(pids.map(statOf))).every((stat) => stat?.group !== group)
}

/** With its children. @returns false: still running after limitMs */
export const ended = async (identity: ProcessIdentity, limitMs: number): Promise<boolean> => {
  const end = Date.now() + limitMs
  while ((await isRunning(identity)) || !(await groupIsEmpty(identity.pid))) {
    if (Date.now() > end) return false
    await wait(25)
  }
  return true
}

/** SIGTERM, then SIGKILL to what has not ended within limitMs. */
export const stopProcess = async (identity: ProcessIdentity, limitMs = 10_000): Promise<void> => {
  if (!(await isRunning(identity))) return
  signalGroup(identity.pid, 'SIGTERM')
  signalGroup(identity.pid, 'SIGCONT') // one that was held by SIGSTOP would not hear it
  if (await ended(identity, limitMs)) return
  signalGroup(identity.pid, 'SIGKILL') // also to children whose leader has ended: while they live, no other gets its number
  if (!(await ended(identity, limitMs))) throw new Error(`process ${identity.pid} survives SIGKILL`)
}
