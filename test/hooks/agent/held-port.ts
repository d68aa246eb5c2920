import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { until } from '#test/helpers/until.ts'

const entry = fileURLToPath(new URL('../../../cli/bartizan.ts', import.meta.url))

type Bound = { fd: number; getsockname(into: { port?: number }): number; close(): void }
/** Bound, and listening as soon as the first agent says so: a server of ours would take connections away from the agents. */
const { _createServerHandle: createBound } = net as typeof net & {
  _createServerHandle(address: string, port: number, family: 4): Bound
}

export type HeldAgent = { child: ChildProcess; exit: Promise<number | null> }

/** A port that this process holds, as a socket unit does, for agents of one data folder that come and go. */
export const holdPort = async (t: ExecutionContext<unknown>, data: string, token: string) => {
  await mkdir(join(data, 'agent'), { recursive: true })
  await writeFile(join(data, 'agent', 'token'), token)
  const holder = createBound('127.0.0.1', 0, 4)
  t.teardown(() => holder.close())
  const bound: { port?: number } = {}
  holder.getsockname(bound)
  const info = async (): Promise<{ pid: number } | null> =>
    readFile(join(data, 'agent', 'agent.json'), 'utf8').then(JSON.parse, () => null)
  const start = (env: Record<string, string>, args: string[] = []): HeldAgent => {
    const child = spawn(
      'sh',
      ['-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', process.execPath, entry, 'agent', ...args],
      {
        env: {
          PATH: process.env.PATH,
          BARTIZAN_LOG_LEVEL: 'warn',
          BARTIZAN_DATA: data,
          BARTIZAN_BASTION: 'bastion-1',
          BARTIZAN_SUDO_ALLOWED_UIDS: `0,${process.getuid?.() ?? 0}`, // the tests' own client stands in for sudo
          BARTIZAN_AGENT_DRAIN_MS: '600000',
          LISTEN_FDS: '1',
          ...env,
        },
        stdio: ['ignore', 'ignore', 'inherit', holder.fd],
      },
    )
    t.teardown(() => void child.kill('SIGKILL'))
    return { child, exit: once(child, 'exit').then(([code]) => code as number | null) }
  }
  return {
    port: bound.port!,
    start,
    /** The same, when it takes sessions. */
    startReady: async (env: Record<string, string>): Promise<HeldAgent> => {
      const agent = start(env)
      await until(async () => (await info())?.pid === agent.child.pid, { limitMs: 30_000, what: 'agent ready' })
      return agent
    },
    /** It has given up the port and stays with its sessions. */
    drains: async ({ child }: HeldAgent): Promise<void> => {
      child.kill('SIGTERM')
      await until(async () => (await info()) === null, { limitMs: 30_000, what: 'the agent gives up the port' })
    },
  }
}
