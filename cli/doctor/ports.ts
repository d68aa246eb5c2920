import { createServer } from 'node:net'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, type Context, fine, notChecked, wrong } from './check.ts'
import { agentOf, endpointsOf, isAlive, isEnrolled, statusOf } from './running.ts'

type Port = { check: string; host: string; port: number; setting: string }

const tryListening = ({ host, port }: Port): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(systemCode(error) ?? error.message))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)))
  })

const reasons: Record<string, string> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not listen there: ports below 1024 are for root',
  EADDRNOTAVAIL: 'this machine does not have that address',
}

const free = async (port: Port): Promise<Finding> => {
  const { check, host, setting } = port
  if (port.port === 0) return fine(check, 'any free one')
  const reason = await tryListening(port)
  if (reason === null) return fine(check, `${host}:${port.port} is free`)
  return wrong(
    check,
    `${host}:${port.port}: ${reasons[reason] ?? reason}`,
    `stop what listens there (ss -ltnp), or choose another port with ${setting}`,
  )
}

const consolePort = async ({ config: { data, http, uplink } }: Context): Promise<Finding> => {
  const check = 'console port'
  const endpoints = await endpointsOf(data)
  if (endpoints && isAlive(endpoints.pid)) return fine(check, `${endpoints.httpPort}, in use by the running console`)
  if (uplink.url !== undefined || isEnrolled(data)) return notChecked(check, 'the console is not on this machine')
  // A role has no endpoints file.
  if (http.port !== 0 && (await statusOf(http.port, '/healthz')) === 200)
    return fine(check, `${http.port}, a running Bartizan answers there`)
  return free({ check, host: http.host, port: http.port, setting: 'BARTIZAN_HTTP_PORT' })
}

const sudoPort = async ({ config: { backend, data, sudo } }: Context): Promise<Finding> => {
  const check = 'sudo port'
  const agent = await agentOf(data)
  if (agent && isAlive(agent.pid)) return fine(check, `${agent.sudoPort}, in use by the running agent`)
  if (backend === 'cluster') return notChecked(check, 'no agent runs here: the bastions have theirs')
  return free({ check, host: sudo.host, port: sudo.port, setting: 'BARTIZAN_SUDO_PORT' })
}

export const ports: Check = {
  name: 'ports',
  run: (context) => Promise.all([consolePort(context), sudoPort(context)]),
}
