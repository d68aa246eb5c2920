import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { startScriptHook } from '#hooks/script/script-hook.ts'
import type { Config } from '#services/config.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { configOf, openCore, silent } from '#test/hooks/agent/core.ts'
import { recordedSessions } from '#test/hooks/sudo/recorded.ts'

const entry = fileURLToPath(new URL('../../../cli/bartizan.ts', import.meta.url))
const driver = fileURLToPath(new URL('./in-pty.py', import.meta.url))

/** The hook on a free port, with the agent's real recorder and spool behind it. */
export const startHook = async (t: ExecutionContext<unknown>, settings: Partial<Config['script']> = {}) => {
  const data = await temporaryFolder(t)
  const base = configOf(data)
  const config = { ...base, script: { ...base.script, ...settings } }
  const core = await openCore(t, config)
  const hook = await startScriptHook({ config, recorder: core.recorder, log: silent })
  t.teardown(() => hook.close('the test is over'))
  return { data, core, hook, sessions: () => recordedSessions(core) }
}

export type PtyStep = { waitFor: string } | { typed: string } | { resize: [number, number] } | { run: string[] }

/** `bartizan record` as a person runs it: in a terminal. */
export const recordInPty = async (
  at: { data: string; port: number },
  args: string[],
  steps: PtyStep[],
  { env = {}, inside = [] }: { env?: NodeJS.ProcessEnv; inside?: string[] } = {},
): Promise<{ output: Buffer; exitCode: number; raw: boolean }> => {
  const child = spawn('python3', [driver], { stdio: ['pipe', 'pipe', 'pipe'] })
  const plan = {
    argv: [...inside, process.execPath, entry, 'record', ...args],
    env: {
      BARTIZAN_DATA: at.data,
      BARTIZAN_SCRIPT_PORT: String(at.port),
      TERM: 'xterm-256color',
      SSH_CONNECTION: '192.0.2.7 50000 192.0.2.1 22',
      ...env,
    },
    steps,
  }
  child.stdin.end(JSON.stringify(plan))
  let [said, complaint] = ['', '']
  child.stdout.on('data', (data: Buffer) => {
    said += data
  })
  child.stderr.on('data', (data: Buffer) => {
    complaint += data
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`in-pty.py: ${code} ${complaint}`)
  const { outputB64, exitCode, raw } = JSON.parse(said) as { outputB64: string; exitCode: number; raw: boolean }
  return { output: Buffer.from(outputB64, 'base64'), exitCode, raw }
}
