import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TtyMode } from '#hooks/hook.ts'

export type Step = { typed: string; afterMs: number } | { waitFor: string; limitMs?: number }
export type TtyEvent = { tMs: number; dir: 'in' | 'out' | 'probe'; data: Buffer; mode: TtyMode }
type Plan = { argv: string[]; steps: Step[]; env?: Record<string, string> }

export const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** What of these programs is missing here; with BARTIZAN_REQUIRE_REAL=1 that is an error. */
export const missingProgram = (...programs: string[]): string | null => {
  const missing = programs.find((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  if (missing !== undefined && process.env.BARTIZAN_REQUIRE_REAL === '1') throw new Error(`${missing} is not installed`)
  return missing ?? null
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const encoded = (step: Step) =>
  'typed' in step ? { ...step, typed: base64(step.typed) } : { ...step, waitFor: base64(step.waitFor) }

/** Runs a real program in a real pty and types into it. @throws when the program does not show what is waited for */
export const typedSession = async ({ argv, steps, env = {} }: Plan): Promise<TtyEvent[]> => {
  const child = spawn('python3', [script('pty-session.py')], { stdio: ['pipe', 'pipe', 'pipe'] })
  const plan = {
    argv,
    env: { TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', HISTFILE: '/dev/null', ...env },
    steps: steps.map(encoded),
  }
  child.stdin.end(JSON.stringify(plan))
  const complaints: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  const exited = once(child, 'exit')
  const events: TtyEvent[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const { b64, ...event } = JSON.parse(line) as Omit<TtyEvent, 'data'> & { b64: string }
    events.push({ ...event, data: Buffer.from(b64, 'base64') })
  }
  const [code] = await exited
  if (code !== 0) throw new Error(`pty-session: ${Buffer.concat(complaints)}`)
  return events
}
