import { existsSync } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { rootProbePath } from '#hooks/sudo/tty-probe.ts'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { agentOf } from './running.ts'

const name = 'masking'
const perl = '/usr/bin/perl'
const askMs = 3_000

const rest = 'typed secrets are then told from the echo alone (docs/threat-model.md, "Typed secrets")'

const ownerOf = (pid: number): Promise<number | null> =>
  stat(`/proc/${pid}`).then(
    ({ uid }) => uid,
    () => null,
  )
const hasPerl = (): Promise<boolean> =>
  access(perl, constants.X_OK).then(
    () => true,
    () => false,
  )

/** `owner`: of the agent's process. */
export const judgeMasking = (ttyProbe: 'auto' | 'off', owner: number, perlIsThere: boolean): Finding => {
  if (ttyProbe === 'off') return fine(name, `terminal modes are not read (agent.masking.ttyProbe is off): ${rest}`)
  if (owner !== 0) return fine(name, `the agent is not root and cannot read terminal modes: ${rest}`)
  if (perlIsThere) return fine(name, 'the agent reads the mode of terminals')
  return wrong(
    name,
    `the agent could read terminal modes, but ${perl} is missing: ${rest}`,
    'apt-get install perl-base',
  )
}

/** Of a socket that no sudo has: the answer is `unknown`. Null: there was none in time. */
export const askRootProbe = (path: string): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect(path)
    const end = (answer: string | null) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(askMs, () => end(null))
    socket.once('error', (error) => end(systemCode(error) === 'EACCES' ? 'hidden' : null))
    socket.once('close', () => end(null))
    socket.once('data', (data) => end(data.toString('latin1').trim()))
    socket.write('1\n')
  })

const judgeRootProbe = (answer: string | null): Finding => {
  if (answer === 'unknown') return fine(name, "the agent asks root's probe for the mode of terminals, and it answers")
  if (answer === 'hidden')
    return notChecked(name, "only the agent's user may ask root's probe: run doctor as that user")
  return wrong(
    name,
    `root's probe at ${rootProbePath} does not answer: ${rest}`,
    "systemctl restart bartizan-tty-probe.socket; `journalctl -u 'bartizan-tty-probe@*'` says why it did not",
  )
}

/** Whether the agent can tell by the terminal that a password is being typed. */
export const masking: Check = {
  name,
  run: async ({ config }) => {
    const agent = await agentOf(config.data)
    const owner = agent && (await ownerOf(agent.pid))
    if (owner === null) return [notChecked(name, 'no agent runs here')]
    if (owner !== 0 && config.agent.masking.ttyProbe === 'auto' && existsSync(rootProbePath))
      return [judgeRootProbe(await askRootProbe(rootProbePath))]
    return [judgeMasking(config.agent.masking.ttyProbe, owner, await hasPerl())]
  },
}
