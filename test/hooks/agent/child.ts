import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { until } from '#test/helpers/until.ts'

const entry = fileURLToPath(new URL('../../../cli/bartizan.ts', import.meta.url))

export type AgentChild = { child: ChildProcess; sudoPort: number; exit: Promise<number | null>; errors(): string }

/** `./bartizan agent` as a process of its own; killed after the test. */
export const spawnAgent = (t: ExecutionContext<unknown>, data: string, env: Record<string, string> = {}) => {
  const settings = {
    BARTIZAN_DATA: data,
    BARTIZAN_SUDO_PORT: '0',
    BARTIZAN_SUDO_ALLOWED_UIDS: `0,${process.getuid?.() ?? 0}`, // the tests' own client stands in for sudo
    BARTIZAN_BASTION: 'bastion-1',
    ...env,
  }
  const child = spawn(process.execPath, [entry, 'agent'], {
    env: { PATH: process.env.PATH, BARTIZAN_LOG_LEVEL: 'warn', ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(() => void child.kill('SIGKILL'))
  return { child, exit, errors: () => errors }
}

/** The same, when it is ready. */
export const startAgentChild = async (
  t: ExecutionContext<unknown>,
  data: string,
  env: Record<string, string> = {},
): Promise<AgentChild> => {
  const started = spawnAgent(t, data, env)
  const info = async (): Promise<{ pid: number; sudoPort: number } | null> =>
    readFile(join(data, 'agent', 'agent.json'), 'utf8').then(JSON.parse, () => null)
  await until(async () => (await info())?.pid === started.child.pid, { limitMs: 30_000, what: 'agent ready' })
  return { ...started, sudoPort: (await info())!.sudoPort }
}
