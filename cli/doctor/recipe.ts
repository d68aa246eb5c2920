import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { agentOf } from './running.ts'

const setup = fileURLToPath(new URL('../../hooks/sudo/setup/', import.meta.url))
const recipe = 'docs/record-a-bastion.md, step 1'

type Part = { check: string; path: string }
const wrapper: Part = { check: 'recipe wrapper', path: 'opt/bartizan/bartizan-session' }
const sudoers: Part = { check: 'recipe sudoers', path: 'etc/sudoers.d/bartizan' }
const standby: Part = { check: 'recipe standby', path: 'etc/sudoers.d/bartizan-standby' }
const sshd: Part = { check: 'recipe sshd', path: 'etc/ssh/sshd_config.d/bartizan.conf' }

/** Content; null: not there; 'hidden': this user may not look. */
type Seen = { text: string; isSafe: boolean } | 'hidden' | null

const look = async (file: string): Promise<Seen> => {
  try {
    const { uid, mode } = await stat(file)
    return { text: await readFile(file, 'utf8'), isSafe: uid === 0 && (mode & 0o022) === 0 }
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'EACCES' || code === 'EPERM') return 'hidden'
    throw error
  }
}

const judge = ({ check, path }: Part, seen: Seen, problemOf: (text: string) => string | null): Finding => {
  if (seen === 'hidden') return notChecked(check, `only root may read /${path}`)
  if (seen === null)
    return wrong(check, `/${path} is missing, and other parts of the recipe are there`, `install it: ${recipe}`)
  if (!seen.isSafe)
    return wrong(
      check,
      `/${path} can be changed by others than root`,
      `chown root:root /${path} && chmod go-w /${path}, and compare it with ${recipe}`,
    )
  const problem = problemOf(seen.text)
  return problem === null ? fine(check, `/${path}`) : wrong(check, `/${path} ${problem}`, `install it again: ${recipe}`)
}

const ignoring = /^Defaults[^\n]{0,200}[\s,](?<!!)ignore_(?:iolog|logfile|audit)_errors/m

const sudoersProblem =
  (sudoPort: number) =>
  (text: string): string | null => {
    const server = /log_servers=127\.0\.0\.1:(\d{1,5})/.exec(text)?.[1]
    if (server === undefined) return 'names no log server on 127.0.0.1'
    if (sudoPort !== 0 && Number(server) !== sudoPort) return `sends to port ${server}, and the agent's is ${sudoPort}`
    return ignoring.test(text) ? 'lets sessions run that cannot be recorded (ignore_…_errors)' : null
  }

/** sudo tries the last one first. */
const standbyProblem =
  (sudoPort: number) =>
  (text: string): string | null => {
    const first = /log_servers="127\.0\.0\.1:\d{1,5} 127\.0\.0\.1:(\d{1,5})"/.exec(text)?.[1]
    if (first === undefined) return 'does not name two log servers on 127.0.0.1'
    return sudoPort !== 0 && Number(first) !== sudoPort
      ? `sends to port ${first}, and the agent's is ${sudoPort}`
      : null
  }

const sshdProblem = (text: string): string | null =>
  /^\s*ForceCommand\s+\S{0,200}bartizan-session\s*$/m.test(text) ? null : 'does not force bartizan-session'

/** `root`: where the machine's files are. `sudoPort` 0: any. */
export const inspectRecipe = async (root: string, sudoPort: number): Promise<Finding[]> => {
  const seen = await Promise.all([wrapper, sudoers, sshd].map(({ path }) => look(join(root, path))))
  const [seenWrapper = null, seenSudoers = null, seenSshd = null] = seen
  // What may not be seen proves nothing.
  if (seen.every((each) => each === null || each === 'hidden')) {
    return [notChecked('recipe', 'sudo and sshd of this machine do not record (docs/record-a-bastion.md)')]
  }
  const seenStandby = await look(join(root, standby.path))
  const own = await readFile(join(setup, 'bartizan-session'), 'utf8')
  return [
    judge(wrapper, seenWrapper, (text) => (text === own ? null : "is not this version's")),
    judge(sudoers, seenSudoers, sudoersProblem(sudoPort)),
    judge(sshd, seenSshd, sshdProblem),
    ...(seenStandby === null || seenStandby === 'hidden'
      ? []
      : [judge(standby, seenStandby, standbyProblem(sudoPort))]),
  ]
}

/** Whether logins of this machine are recorded, as far as this user may see. */
export const recordingRecipe: Check = {
  name: 'recipe',
  run: async ({ config }) => {
    const agent = await agentOf(config.data)
    return inspectRecipe('/', agent?.sudoPort ?? config.sudo.port)
  },
}
