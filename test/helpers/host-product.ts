import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { z } from 'zod'
import { adminToken, endpointsOf, killIfAlive } from './running.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { Host } from './two-hosts.ts'
import { until } from './until.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const limitMs = 60_000

/** `bartizan up` on a host, for agents of other hosts. */
export const startServer = async (t: ExecutionContext, host: Host, more: NodeJS.ProcessEnv = {}) => {
  const data = await temporaryFolder(t)
  const env = { BARTIZAN_DATA: data, BARTIZAN_ADMIN_TOKEN: adminToken, BARTIZAN_LOG_LEVEL: 'warn' }
  const network = {
    BARTIZAN_RECEIVER_HOST: '0.0.0.0',
    BARTIZAN_RECEIVER_NAMES: host.address,
    BARTIZAN_HTTP_HOST: '0.0.0.0',
  }
  const up = host.start(['./bartizan', 'up'], { ...env, ...network, BARTIZAN_BASTION: 'server', ...more })
  t.teardown(async () => {
    up.child.kill('SIGKILL') // first, since it starts its agent again
    const agent = await readFile(join(data, 'agent', 'agent.json'), 'utf8').catch(() => '{}')
    const { pid } = JSON.parse(agent) as { pid?: number }
    if (pid !== undefined) killIfAlive(pid)
  })
  await until(
    async () => {
      if (up.child.exitCode !== null) throw new Error(up.output())
      return (await endpointsOf(data)) !== null
    },
    { limitMs, what: 'the server' },
  )
  const fetched = "await fetch(process.argv[1],{headers:{authorization:'Bearer '+process.argv[2]}})"
  return {
    data,
    env,
    sh: (script: string) => host.run(['sh', '-c', script], env),
    api: async (path: string): Promise<unknown> => {
      const script = `process.stdout.write(await(${fetched}).text())`
      const url = `http://127.0.0.1:8080${path}`
      const { stdout } = await host.run([process.execPath, '--input-type=module', '-e', script, '--', url, adminToken])
      return JSON.parse(stdout)
    },
  }
}
export const States = z.object({ items: z.array(z.object({ id: z.string(), state: z.string(), bastion: z.string() })) })

/** The agent of bastion b1 on a host. */
export const startAgent = async (t: ExecutionContext, host: Host, data: string) => {
  const env = { BARTIZAN_DATA: data, BARTIZAN_BASTION: 'b1', BARTIZAN_AGENT_HEARTBEAT_MS: '500' }
  const agent = host.start(['./bartizan', 'agent'], { ...env, BARTIZAN_LOG_LEVEL: 'debug', BARTIZAN_SUDO_PORT: '0' })
  const port = async (): Promise<number | null> => {
    const info = await readFile(join(data, 'agent', 'agent.json'), 'utf8').catch(() => null)
    const { pid, sudoPort } = JSON.parse(info ?? '{}') as { pid?: number; sudoPort?: number }
    return pid === agent.child.pid ? (sudoPort ?? null) : null
  }
  await until(async () => (await port()) !== null, { limitMs, what: 'the agent' })
  const sudoPort = await port()
  return {
    ...agent,
    sudoPort: sudoPort!,
    record: async (text: string): Promise<string> => {
      const script = join(repository, 'test/flow/enrolment-session.ts')
      const { stdout, stderr, code } = await host.run([process.execPath, script, String(sudoPort), text])
      t.is(code, 0, stderr)
      return stdout
    },
    stop: async () => {
      const gone = new Promise((resolve) => agent.child.once('close', resolve))
      agent.child.kill('SIGTERM')
      await gone
    },
  }
}
