import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { identify, isRunning, type ProcessIdentity, stopProcess } from './process-identity.ts'

/** Gets each process as soon as there is one. With it they outlive their starter; without, they are killed with the thread that started them, however that ends. */
export type Keep = (identity: ProcessIdentity) => Promise<void>

export type Launch = {
  name: string
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  logFile: string
  user?: { uid: number; gid: number }
  keep?: Keep
  /** Gets what was logged since this start. */
  isReady(log: string): Promise<boolean>
}

const limitMs = 4 * 60_000

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-25).join('\n')

const spawned = async (launch: Launch): Promise<ProcessIdentity | null> => {
  const log = await open(launch.logFile, 'a')
  const [command, args] = launch.keep
    ? [launch.command, launch.args]
    : ['setpriv', ['--pdeathsig', 'KILL', '--', launch.command, ...launch.args]]
  try {
    const child = spawn(command, args, {
      detached: true, // a group of its own: signals reach all of it, and Ctrl-C none
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ...launch.env },
      ...launch.user,
    })
    await once(child, 'spawn')
    child.unref()
    return identify(child.pid!)
  } finally {
    await log.close()
  }
}

/** Starts an engine and waits until it is ready. @throws with the end of its log when it does not get there in 4 minutes */
export const startProcess = async (launch: Launch): Promise<ProcessIdentity> => {
  const before = (await readFile(launch.logFile).catch(() => Buffer.alloc(0))).length
  const logged = async () => (await readFile(launch.logFile)).subarray(before).toString('utf8')
  const end = Date.now() + limitMs
  const identity = await spawned(launch)
  if (identity !== null) await launch.keep?.(identity)
  while (identity !== null && (await isRunning(identity)) && Date.now() < end) {
    if (await launch.isReady(await logged())) return identity
    await wait(100)
  }
  const what = Date.now() < end ? 'ended while it started' : `was not ready after ${limitMs / 60_000} minutes`
  if (identity !== null) await stopProcess(identity)
  throw new Error(`${launch.name} ${what}. The end of ${launch.logFile}:\n${lastLines(await logged())}`)
}

export const accepts = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Whether a GET answers 200. */
export const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok
  } catch {
    return false
  }
}
