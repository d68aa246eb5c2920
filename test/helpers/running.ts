import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Endpoints } from '#services/schema/uplink.ts'
import { backendEnv } from './cluster-product.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'
import { until } from './until.ts'

const entry = fileURLToPath(new URL('../../cli/bartizan.ts', import.meta.url))
export const adminToken = 'btz-test-admin-token-of-32-characters-or-more'

export type Run = { child: ChildProcess; output: () => string; exited: Promise<number | null> }

/** The command line as a user runs it. */
export const bartizan = (args: string[], env: NodeJS.ProcessEnv = {}): Run => {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString('utf8')
  })
  child.stderr.on('data', (data: Buffer) => {
    text += data.toString('utf8')
  })
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, output: () => text, exited }
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
export const killIfAlive = (pid: number): void => {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL')
}

export const endpointsOf = async (data: string): Promise<Endpoints | null> =>
  readFile(join(data, 'endpoints.json'), 'utf8').then(
    (text) => Endpoints.parse(JSON.parse(text)),
    () => null,
  )

export type Product = Run & {
  data: string
  endpoints: Endpoints
  /** JSON of an API call as admin; `raw` for other answers. */
  api: (path: string, init?: RequestInit) => Promise<unknown>
  raw: (path: string, init?: RequestInit) => Promise<Response>
  /** SIGTERM to `up`, and its exit code. */
  stop: () => Promise<number | null>
}

/** The API at an address, as admin. */
export const apiAt = (url: string): Pick<Product, 'api' | 'raw'> => {
  // A connection each: a kept one may be closed by the other side just when a busy test uses it again. What fails has its
  // place in a test: AVA's TAP reporter cannot write an error that comes from inside of Node alone.
  const raw = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: {
        ...{ authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', connection: 'close' },
        ...init.headers,
      },
    }).catch((error: Error) => {
      throw new Error(`${init.method ?? 'GET'} ${path}: ${error}: ${error.cause}`)
    })
  return {
    raw,
    api: async (path, init) => {
      const response = await raw(path, init)
      const text = await response.text()
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
      return text ? JSON.parse(text) : null
    },
  }
}

/** Starts the whole product on loopback, on free ports, in a folder of the test's own, and waits until it is ready. */
export const startProduct = async (
  t: Teardown,
  options: { data?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Product> => {
  const data = options.data ?? (await temporaryFolder(t))
  const run = bartizan(['up'], {
    BARTIZAN_DATA: data,
    BARTIZAN_HTTP_PORT: '0',
    BARTIZAN_SUDO_PORT: '0',
    BARTIZAN_BASTION: 'test-bastion',
    BARTIZAN_ADMIN_TOKEN: adminToken,
    BARTIZAN_SUDO_ALLOWED_UIDS: `0,${process.getuid?.() ?? 0}`,
    ...(await backendEnv(data)),
    ...options.env,
  })
  t.teardown(async () => {
    const last = await endpointsOf(data)
    killIfAlive(run.child.pid!)
    const agent = await readFile(join(data, 'agent', 'agent.json'), 'utf8').catch(() => '{}')
    for (const pid of [last?.agentPid, (JSON.parse(agent) as { pid?: number }).pid]) if (pid) killIfAlive(pid)
  })
  let endpoints: Endpoints | null = null
  await until(
    async () => {
      if (run.child.exitCode !== null) throw new Error(`up ended with ${run.child.exitCode}:\n${run.output()}`)
      endpoints = await endpointsOf(data)
      return endpoints?.pid === run.child.pid
    },
    { limitMs: 60_000, what: 'ready' },
  )
  const ready = endpoints! as Endpoints
  return {
    ...run,
    data,
    endpoints: ready,
    ...apiAt(`http://127.0.0.1:${ready.httpPort}`),
    stop: async () => {
      run.child.kill('SIGTERM')
      return run.exited
    },
  }
}

/** What tells why a session is not where it should be: its row, who is behind and whether they get on, and what was said. */
const stateOf = async ({ raw, output }: Product, id: string): Promise<string> => {
  const told = (path: string): Promise<string> =>
    raw(path).then(
      (response) => response.text(),
      (error: Error) => error.message,
    )
  const lag = async (): Promise<string[]> =>
    (await told('/metrics')).split('\n').filter((line) => /^bartizan_bus_lag_records{.* [^0]/.test(line))
  const before = await lag()
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const after = ['5 s later:', ...(await lag()), await told(`/api/sessions/${id}`)]
  return [...before, ...after, output().slice(-20_000)].join('\n')
}

/** Until the session stands in evidence as a whole, and in the index: these do not wait for each other. */
export const untilSealed = async (product: Product, id: string): Promise<void> => {
  const isSealed = async (): Promise<boolean> => {
    const response = await product.raw(`/api/sessions/${id}`)
    if (!response.ok) return false
    const { evidence, state } = (await response.json()) as { evidence: string; state: string }
    return evidence === 'sealed' && state !== 'open' && state !== 'late'
  }
  const limit = { limitMs: 30_000, what: `session ${id} sealed` }
  await until(isSealed, limit).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await stateOf(product, id)}`)
  })
}
