import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { clientOptions } from '#test/helpers/bastion-client.ts'
import { until } from '#test/helpers/until.ts'

/** Clients of OpenSSH, each from an address of its own, as other machines have them. */

const limitMs = 60_000

export type Door = { port: number; keyFile: string }

export type Client = {
  waitFor(text: string | RegExp): Promise<void>
  type(text: string): void
  hangUp(): void
  /** @returns the exit code; null: ended by a signal */
  ended: Promise<number | null>
  output(): string
}

export const startClient = (program: 'ssh' | 'scp' | 'sftp', door: Door, sourceIp: string, args: string[]): Client => {
  const from = ['-o', `BindAddress=${sourceIp}`]
  const child = spawn(program, [...clientOptions({ ...door, key: '' }), ...from, ...args])
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      text = (text + data.toString('utf8')).slice(-8192)
    })
  }
  child.stdin.on('error', () => {}) // the server was quicker
  const ended = once(child, 'close').then(([code]) => code as number | null)
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  const has = (wanted: string | RegExp) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))
  return {
    waitFor: (wanted) =>
      until(
        () => {
          if (isOver && !has(wanted)) throw new Error(`${program} from ${sourceIp} ended: ${text}`)
          return has(wanted)
        },
        { limitMs, what: `${wanted} from ${sourceIp}` },
      ),
    type: (typed) => void child.stdin.write(typed),
    hangUp: () => void child.kill('SIGTERM'),
    ended,
    output: () => text,
  }
}

const textOf = (file: string) => readFile(file, 'utf8').catch(() => '')
const nameOf = async (pid: string) => (await textOf(`/proc/${pid}/comm`)).trim()
const parentOf = async (pid: string) => /^PPid:\s+(\d+)/m.exec(await textOf(`/proc/${pid}/status`))?.[1] ?? '0'

/** The sudo processes that record the sessions of a connection, outermost only: they speak to the log server. */
export const recordersOf = async (sourceIp: string): Promise<number[]> => {
  const found: number[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || (await nameOf(pid)) !== 'sudo') continue
    if (!(await textOf(`/proc/${pid}/environ`)).includes(`SSH_CONNECTION=${sourceIp} `)) continue
    if ((await nameOf(await parentOf(pid))) !== 'sudo') found.push(Number(pid))
  }
  return found
}
