import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { levelOf, limitsOf } from '#hooks/agent/spool/limits.ts'
import { listSegments } from '#hooks/agent/spool/segment.ts'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, type Context, fine, notChecked, wrong } from './check.ts'
import { type AgentFile, agentOf, isAlive } from './running.ts'

const connectMs = 2_000

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(connectMs, () => end(false))
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })

const alive = async (agent: AgentFile): Promise<Finding> => {
  const fix = 'start it again (npm start, or systemctl restart bartizan-agent): until then no recorded user can log in'
  if (!isAlive(agent.pid)) return wrong('agent', `process ${agent.pid} has ended without a farewell`, fix)
  if (await accepts(agent.sudoPort))
    return fine('agent', `process ${agent.pid} takes sessions on port ${agent.sudoPort}`)
  return wrong('agent', `process ${agent.pid} takes no connection on port ${agent.sudoPort}`, fix)
}

const spool = async ({ config: { data, agent } }: Context): Promise<Finding> => {
  const check = 'agent spool'
  const segments = await listSegments(join(data, 'agent', 'spool')).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  if (segments === null) return notChecked(check, 'nothing was recorded here yet')
  const sizes = await Promise.all(
    segments.map(({ file }) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  const usedBytes = sizes.reduce((sum, size) => sum + size, 0)
  const { capacityBytes } = limitsOf(agent.spool)
  const text = `${Math.round((100 * usedBytes) / capacityBytes)} % of ${capacityBytes} bytes wait`
  if (levelOf(usedBytes, capacityBytes, 'ok', false) === 'ok') return fine(check, text)
  return wrong(check, text, 'bring the receiver back, or mend the way to it: at 95 % new sessions are refused')
}

export const agentState: Check = {
  name: 'agent',
  run: async (context) => {
    const agent = await agentOf(context.config.data)
    if (!agent) return [notChecked('agent', `none runs on ${context.config.data}`), await spool(context)]
    return Promise.all([alive(agent), spool(context)])
  },
}
