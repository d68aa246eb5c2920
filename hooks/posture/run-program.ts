import { execFile } from 'node:child_process'
import { type Read, seen, unseen } from './verdict.ts'

/** What a program of this machine prints. It gets no input, no environment of ours, and little time. */
export type RunProgram = (program: string, args: readonly string[], timeoutMs?: number) => Promise<Read<string>>

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
const maxBytes = 8 * 1024 * 1024

export const runProgram: RunProgram = (program, args, timeoutMs = 10_000) =>
  new Promise((resolve) => {
    const options = { env, cwd: '/', timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: maxBytes } as const
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) resolve(seen(stdout))
      else if (error.code === 'ENOENT') resolve(unseen(`${program} is not there`))
      else resolve(unseen(`${program} failed: ${stderr.trim().split('\n').at(-1) || error.message}`))
    })
    child.stdin?.end()
  })
