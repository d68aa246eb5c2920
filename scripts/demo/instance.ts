import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { systemCode } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'
import type { Alert } from '#services/schema/alert.ts'
import type { List } from '#services/schema/session.ts'
import { Endpoints } from '#services/schema/uplink.ts'
import { directoryFileOf, logFileOf } from './folder.ts'
import { bastion } from './team.ts'

/** The whole product, on the demo's own folder and port. */

const entry = fileURLToPath(new URL('../../cli/bartizan.ts', import.meta.url))
const readyLimitMs = 60_000
const askLimitMs = 30_000
const blockMs = 2_000 // so that what was just played can be watched at once

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** @throws BTZ_PORT_IN_USE before anything is started */
export const checkPort = async (port: number): Promise<void> => {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (cause) {
    if (systemCode(cause) !== 'EADDRINUSE' && systemCode(cause) !== 'EACCES') throw cause
    throw new BartizanError('BTZ_PORT_IN_USE', `port ${port} is taken, or not for this user`, {
      hint: 'name another one: npm run demo -- --port 8091 (0 = any free one)',
      cause,
    })
  } finally {
    server.close()
  }
}

/**
 * `up`, in a process group of its own: Ctrl-C in a terminal goes to all of the foreground, and would end it in the middle
 * of a day. Of the environment it gets nothing that is set for a real instance.
 */
const spawnUp = (data: string, port: number): ChildProcess =>
  spawn(process.execPath, [entry, 'up'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      BARTIZAN_DATA: data,
      BARTIZAN_HTTP_PORT: String(port),
      BARTIZAN_SUDO_PORT: '0',
      BARTIZAN_BASTION: bastion,
      BARTIZAN_OPENSSH_LOG: logFileOf(data),
      BARTIZAN_DETECTORS_DIRECTORY_FILE: directoryFileOf(data),
      BARTIZAN_SUDO_ALLOWED_UIDS: `0,${process.getuid?.() ?? 0}`,
      BARTIZAN_INGEST_BLOCK_MAX_MS: String(blockMs),
      BARTIZAN_LOG_LEVEL: 'warn',
    },
  })

const endpointsOf = async (data: string, child: ChildProcess): Promise<Endpoints> => {
  const end = Date.now() + readyLimitMs
  while (Date.now() < end && child.exitCode === null && child.signalCode === null) {
    const text = await readFile(join(data, 'endpoints.json'), 'utf8').catch(() => null)
    const endpoints = text === null ? null : Endpoints.parse(JSON.parse(text))
    if (endpoints !== null && endpoints.pid === child.pid) return endpoints
    await pause(100)
  }
  throw new BartizanError('BTZ_NOT_RUNNING', 'the demo did not start', {
    hint: `the lines above say why; the agent's log is ${join(data, 'agent', 'agent.log')}`,
  })
}

const Link = z.object({ url: z.string() })

export type Instance = Awaited<ReturnType<typeof startInstance>>

/** Resolves when it is ready. @throws BTZ_NOT_RUNNING */
export const startInstance = async (data: string, port: number) => {
  const child = spawnUp(data, port)
  const ended = new Promise<number>((done) => child.once('exit', (code) => done(code ?? 1)))
  const stop = (): Promise<number> => {
    child.kill('SIGTERM')
    return ended
  }
  const endpoints = await endpointsOf(data, child).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const url = `http://127.0.0.1:${endpoints.httpPort}`
  const token = (await readFile(join(data, 'owner.token'), 'utf8')).trim()
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(url + path, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(askLimitMs),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const count = async (path: string): Promise<number> => ((await ask(path)) as List<unknown>).total.value
  return {
    url,
    sudoPort: endpoints.sudoPort,
    logins: () => count('/api/events?kind=login&limit=1'),
    recordings: () => count('/api/sessions?state=complete&limit=1'),
    alerts: async () => ((await ask('/api/alerts?limit=500')) as List<Alert>).items,
    link: async () => Link.parse(await ask('/api/login-links', { name: 'demo' })).url,
    exit: ended,
    stop,
  }
}
