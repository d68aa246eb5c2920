import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { accepts } from '../../scripts/engines/engine-process.ts'
import { freePort } from './free-port.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { until } from './until.ts'

type RecordedStream = 'ttyin' | 'ttyout' | 'stdin' | 'stdout' | 'stderr'

export type Logsrvd = {
  port: number
  /** One stream of each complete session, in no order; empty where the session has none. */
  recorded(stream: RecordedStream): Promise<Buffer[]>
  /** Waits until so many sessions are recorded to their end. */
  complete(count: number): Promise<void>
  stop(): Promise<void>
}

const configOf = (folder: string, port: number): string => `[server]
listen_address = 127.0.0.1:${port}
pid_file = ${folder}/pid
server_log = ${folder}/server.log
[iolog]
iolog_dir = ${folder}/sessions
iolog_file = %{seq}
`

/** sudo's own log server: a witness of what a bastion sends that shares nothing with Bartizan. */
export const startLogsrvd = async (t: ExecutionContext<unknown>): Promise<Logsrvd> => {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  await writeFile(join(folder, 'logsrvd.conf'), configOf(folder, port))
  const child = spawn('/usr/sbin/sudo_logsrvd', ['-n', '-f', join(folder, 'logsrvd.conf')], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
  }
  t.teardown(stop)
  await until(() => accepts(port), { what: 'sudo_logsrvd' })

  // The server takes the write permission off `timing` when a session is complete.
  const isComplete = async (session: string): Promise<boolean> =>
    ((await stat(join(session, 'timing'))).mode & 0o222) === 0
  const completeSessions = async (): Promise<string[]> => {
    const names = await readdir(join(folder, 'sessions'), { recursive: true }).catch(() => [])
    const sessions = names
      .filter((name) => name.endsWith('/timing'))
      .map((name) => join(folder, 'sessions', dirname(name)))
    const complete = await Promise.all(sessions.map(isComplete))
    return sessions.filter((_, at) => complete[at])
  }
  return {
    port,
    recorded: async (stream) => {
      const sessions = await completeSessions()
      return Promise.all(sessions.map((session) => readFile(join(session, stream)).catch(() => Buffer.alloc(0))))
    },
    complete: (count) =>
      until(async () => (await completeSessions()).length >= count, { what: `${count} complete sessions` }),
    stop,
  }
}
