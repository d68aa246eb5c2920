import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

/** A process that no other can be taken for: pids are reused, also after a reboot. `startTicks`: proc(5), stat, field 22. */
export type ProcessIdentity = { pid: number; startTicks: string; bootId: string }

/** @returns null for a line without the fields, and for a zombie: it has ended, whether or not its parent has noticed */
export const startTicksOf = (stat: string): string | null => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name before may itself hold spaces and brackets
  return fields[0] === 'Z' ? null : (fields[19] ?? null)
}

/** @returns null when there is no such process */
export const identify = async (pid: number): Promise<ProcessIdentity | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const startTicks = startTicksOf(stat)
  if (startTicks === null) return null
  return { pid, startTicks, bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim() }
}

export const isRunning = async (identity: ProcessIdentity): Promise<boolean> => {
  const now = await identify(identity.pid)
  return now !== null && now.startTicks === identity.startTicks && now.bootId === identity.bootId
}

/** To the process and its children, if it leads a process group; to nobody when it has ended. */
export const signalProcess = async (identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> => {
  if (!(await isRunning(identity))) return
  try {
    process.kill(-identity.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** @returns false: still running after limitMs */
export const ended = async (identity: ProcessIdentity, limitMs: number): Promise<boolean> => {
  const end = Date.now() + limitMs
  while (await isRunning(identity)) {
    if (Date.now() > end) return false
    await wait(25)
  }
  return true
}

/** SIGTERM, then SIGKILL to what has not ended within limitMs. */
export const stopProcess = async (identity: ProcessIdentity, limitMs = 10_000): Promise<void> => {
  await signalProcess(identity, 'SIGTERM')
  await signalProcess(identity, 'SIGCONT') // one that was held by SIGSTOP would not hear it
  if (await ended(identity, limitMs)) return
  await signalProcess(identity, 'SIGKILL')
  if (!(await ended(identity, limitMs))) throw new Error(`process ${identity.pid} survives SIGKILL`)
}
