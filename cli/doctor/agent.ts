import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { levelOf, limitsOf } from '#hooks/agent/spool/limits.ts'
import { listSegments } from '#hooks/agent/spool/segment.ts'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, type Context, fine, notChecked, wrong } from './check.ts'
import { type AgentFile, agentOf, isAlive } from './running.ts'

const connectMs = 2_000

const noneThere = (error: unknown): [] => {
  if (systemCode(error) === 'ENOENT') return []
  throw error
}

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

/** Segments of each spool: that of the agent, and those beside it of agents that drain. */
const spoolsIn = async (folder: string) => {
  const names = await readdir(folder).catch(noneThere)
  const folders = [folder, ...names.filter((name) => name.startsWith('beside-')).map((name) => join(folder, name))]
  const spools = folders.map((each) => join(each, 'spool')).filter((each) => existsSync(each))
  return Promise.all(spools.map((each) => listSegments(each).catch(noneThere)))
}

const spool = async ({ config: { data, agent } }: Context): Promise<Finding> => {
  const check = 'agent spool'
  const spools = await spoolsIn(join(data, 'agent'))
  if (spools.length === 0) return notChecked(check, 'nothing was recorded here yet')
  const sizes = await Promise.all(
    spools.flat().map(({ file }) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  const usedBytes = sizes.reduce((sum, size) => sum + size, 0)
  const { capacityBytes } = limitsOf(agent.spool)
  const more = spools.length > 1 ? `, in ${spools.length} spools` : ''
  const text = `${Math.round((100 * usedBytes) / capacityBytes)} % of ${capacityBytes} bytes wait${more}`
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
