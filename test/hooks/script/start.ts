import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { Config } from '#services/config.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf } from '#test/hooks/agent/core.ts'
import type { RecordedSession } from '#test/hooks/sudo/recorded.ts'

const entry = fileURLToPath(new URL('../../../cli/bartizan.ts', import.meta.url))
const driver = fileURLToPath(new URL('./in-pty.py', import.meta.url))

export type Question = { id: number; ask: 'sessions' | 'openSessions' | 'abortAll' | 'refuse' | 'close'; text: string }

/** The hook on a free port, with the agent's real recorder and spool behind it, in a process of its own. */
export const startHook = async (t: ExecutionContext<unknown>, settings: Partial<Config['script']> = {}) => {
  const data = await temporaryFolder(t)
  const base = configOf(data)
  const child = fork(fileURLToPath(new URL('./agent-child.ts', import.meta.url)), { serialization: 'advanced' })
  t.teardown(async () => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  })
  const waiting = new Map<number, (answer: unknown) => void>()
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => waiting.get(id)?.(answer))
  let lastId = 0
  const answerTo = (id: number, message: Question | Config): Promise<unknown> => {
    const answered = new Promise((resolve) => waiting.set(id, resolve))
    child.send(message)
    return answered
  }
  const asking =
    (ask: Question['ask']) =>
    (text = '') => {
      lastId += 1
      return answerTo(lastId, { id: lastId, ask, text })
    }
  const port = await answerTo(0, { ...base, script: { ...base.script, ...settings } })
  const openSessions = asking('openSessions')
  return {
    data,
    at: { data, port: port as number },
    sessions: asking('sessions') as () => Promise<RecordedSession[]>,
    openSessions,
    abortAll: asking('abortAll'),
    refuse: asking('refuse'),
    close: asking('close'),
    /** No recording is open any more. */
    ended: () => until(async () => (await openSessions()) === 0, { limitMs: 30_000, what: 'the end of the session' }),
  }
}

export const maskedBytes = (frames: readonly Frame[]): number =>
  frames.reduce((sum, { masked }) => sum + (masked?.length ?? 0), 0)

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
