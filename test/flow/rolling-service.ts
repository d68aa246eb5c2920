import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { freePort } from '#test/helpers/free-port.ts'
import { isAlive } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const execute = promisify(execFile)
const repository = fileURLToPath(new URL('../..', import.meta.url))
const manager = fileURLToPath(new URL('./rolling-unit.sh', import.meta.url))
const idleHelloMs = 3_000 // of the call that has it started
const ofAgent = ['bartizan', 'cli', 'hooks', 'services', 'deploy']

/** Puts a version of the agent where its package does, in place of the one that is there and may still run. */
const installVersion = async (app: string, version: string): Promise<void> => {
  const fresh = `${app}.new`
  await mkdir(join(fresh, 'node_modules'), { recursive: true })
  await execute('cp', ['-r', ...ofAgent.map((name) => join(repository, name)), fresh])
  const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as object
  await writeFile(join(fresh, 'package.json'), JSON.stringify({ ...manifest, version }))
  const packages = (await readdir(join(repository, 'node_modules'))).filter((name) => name !== '.cache')
  for (const name of packages) await symlink(join(repository, 'node_modules', name), join(fresh, 'node_modules', name))
  await rename(app, `${app}.old`).catch(() => {})
  await rename(fresh, app)
  await rm(`${app}.old`, { recursive: true, force: true })
}

/** The service of deploy/agent as its unit says, but for the paths of package, settings and data. */
const readUnit = async (app: string, configFile: string) => {
  const text = await readFile(join(app, 'deploy/agent/bartizan-agent.service'), 'utf8')
  const values = (name: string) => [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value!)
  const here = (word: string) => word.replace('/opt/bartizan/app', app).replace('/etc/bartizan/agent.yaml', configFile)
  return {
    command: values('ExecStart')[0]!.split(' ').map(here),
    killMode: values('KillMode')[0] ?? 'control-group',
    environment: values('Environment').flatMap((line) => line.split(' ')),
  }
}

/** Leaves the connection open: one that is gone when the agent looks whose it was would be reported. */
const calls = async (t: ExecutionContext<unknown>, port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.unref()
  t.teardown(() => socket.destroy())
  return isThere
}

export type AgentService = {
  port: number
  data: string
  /** The agent that has the port; null: none. */
  agentPid(): Promise<number | null>
  /** Every agent that ever ran here and is still alive. */
  alive(): number[]
  start(): Promise<void>
  stop(): Promise<void>
  /** As `systemctl restart`, or as the package's upgrade to another version. */
  restart(version?: string): Promise<void>
}

/**
 * The packaged agent as a service of its own: its real command line, its port held by systemd-socket-activate, and
 * systemd, which is not PID 1 here, played by rolling-unit.sh.
 */
export const startAgentService = async (
  t: ExecutionContext<unknown>,
  settings: Record<string, unknown>,
): Promise<AgentService> => {
  const folder = await temporaryFolder(t)
  const [app, data, configFile] = ['app', 'data', 'agent.yaml'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const port = await freePort()
  await installVersion(app, '0.0.1')
  await writeFile(configFile, JSON.stringify({ bastion: 'test-bastion', sudo: { idleHelloMs }, ...settings }))
  const unit = await readUnit(app, configFile)
  const environment = [...unit.environment, `BARTIZAN_DATA=${data}`].flatMap((one) => ['-E', one])
  const child = spawn(
    'systemd-socket-activate',
    ['-l', `127.0.0.1:${port}`, ...environment, 'sh', manager, unit.killMode, ...unit.command],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const agents = new Set<number>()
  const groups = new Set<number>()
  t.teardown(() => {
    child.kill('SIGKILL')
    for (const group of groups) {
      try {
        process.kill(-group, 'SIGKILL')
      } catch {} // all of it has ended
    }
    if (!t.passed) t.log(said.slice(-20_000))
  })
  const replies = createInterface({ input: child.stdout })
  const order = async (word: string): Promise<void> => {
    const reply = once(replies, 'line')
    child.stdin.write(`${word}\n`)
    const [line] = (await reply) as [string]
    groups.add(Number(line.split(' ')[1]))
  }
  const agentPid = async (): Promise<number | null> => {
    const text = await readFile(join(data, 'agent', 'agent.json'), 'utf8').catch(() => '{}')
    const { pid } = JSON.parse(text || '{}') as { pid?: number }
    return pid !== undefined && isAlive(pid) ? pid : null
  }
  const start = async (): Promise<void> => {
    await order('start')
    await until(
      async () => {
        const pid = await agentPid()
        const isNew = pid !== null && !agents.has(pid)
        if (isNew) agents.add(pid)
        return isNew
      },
      { limitMs: 60_000, what: 'the agent' },
    )
  }
  // Who calls first has it started, and says nothing.
  await until(() => calls(t, port), { what: 'systemd-socket-activate' })
  await start()
  return {
    port,
    data,
    agentPid,
    alive: () => [...agents].filter(isAlive),
    start,
    stop: () => order('stop'),
    restart: async (version) => {
      if (version !== undefined) await installVersion(app, version)
      await order('stop')
      await start()
    },
  }
}
