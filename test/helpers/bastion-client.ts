import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Client, type ClientChannel } from 'ssh2'
import type { Teardown } from './temporary-folder.ts'
import { until } from './until.ts'

export type Target = { port: number; keyFile: string; key: string }
export type Outcome = { stdout: Buffer; stderr: Buffer; code: number | null }
export type RunOptions = {
  input?: Buffer | string
  tty?: boolean
  /** More options of the ssh client. */
  options?: string[]
  /** The client takes no more than this from the connection. */
  bytesPerSecond?: number
  stdin?: 'pipe' | 'ignore'
}

/** Options of OpenSSH's clients (ssh, scp, sftp) that keep this machine's own configuration out. */
export const clientOptions = ({ port, keyFile }: Target): string[] => [
  ...['-F', 'none', '-i', keyFile, '-o', `Port=${port}`, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
  ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
]

const collect = async (stream: NodeJS.ReadableStream, bytesPerSecond: number | undefined): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer)
    if (bytesPerSecond) await wait((1000 * (chunk as Buffer).length) / bytesPerSecond)
  }
  return Buffer.concat(chunks)
}

/** Runs a program of OpenSSH to its end. */
export const run = async (program: string, args: string[], options: RunOptions = {}): Promise<Outcome> => {
  const child = spawn(program, args, { stdio: [options.stdin ?? 'pipe', 'pipe', 'pipe'] })
  child.stdin?.on('error', () => {}) // a command that does not read its input
  child.stdin?.end(options.input ?? '')
  const exited = once(child, 'exit')
  const [stdout, stderr] = await Promise.all([
    collect(child.stdout!, options.bytesPerSecond),
    collect(child.stderr!, options.bytesPerSecond),
  ])
  const [code] = (await exited) as [number | null]
  return { stdout, stderr, code }
}

export const keepConnection = async (t: Teardown, target: Target, user: string, path: string): Promise<string[]> => {
  const options = ['-o', `ControlPath=${path}`]
  const args = [...clientOptions(target), ...options, '-M', '-N', `${user}@127.0.0.1`]
  const child = spawn('ssh', args, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  await until(() => existsSync(path), { what: 'connection' })
  return options
}

export type Shell = {
  type(text: string): void
  resize(cols: number, rows: number): void
  /** All bytes that the client has received so far. */
  received(): Buffer
  waitFor(text: string | RegExp, limitMs?: number): Promise<void>
  /** Forgets, for waitFor only, what has come so far. */
  mark(): void
  /** Exit code, when the server has closed the channel. */
  closed: Promise<number | null>
}

const shellOn = (channel: ClientChannel, client: Client): Shell => {
  let bytes = Buffer.alloc(0)
  let markAt = 0
  channel.on('data', (data: Buffer) => {
    bytes = Buffer.concat([bytes, data])
  })
  let code: number | null = null
  channel.on('exit', (value: number | null) => {
    code = value
  })
  const closed = new Promise<number | null>((resolve) => {
    channel.once('close', () => {
      client.end()
      resolve(code)
    })
  })
  return {
    type: (text) => void channel.write(text),
    resize: (cols, rows) => channel.setWindow(rows, cols, 0, 0),
    received: () => bytes,
    waitFor: (text, limitMs = 20_000) =>
      until(
        () => {
          const seen = bytes.subarray(markAt).toString('utf8')
          return typeof text === 'string' ? seen.includes(text) : text.test(seen)
        },
        { limitMs, what: `${text} on the terminal` },
      ),
    mark: () => {
      markAt = bytes.length
    },
    closed,
  }
}

const connected = async ({ port, key }: Target, user: string): Promise<Client> => {
  const client = new Client()
  const ready = once(client, 'ready')
  client.connect({ host: '127.0.0.1', port, username: user, privateKey: key })
  await ready
  // A server that is gone while something is typed; that the channel closes says it all.
  client.on('error', () => {})
  return client
}

/** A command without a terminal, with the signal that ended it: OpenSSH's client makes 255 of every signal. */
export const execute = async (
  target: Target,
  user: string,
  command: string,
): Promise<Outcome & { signal: string | null }> => {
  const client = await connected(target, user)
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.exec(command, (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  const ending = once(channel, 'exit') as Promise<[number | null, string?]>
  const [stdout, stderr] = await Promise.all([collect(channel, undefined), collect(channel.stderr, undefined)])
  const [code, signal] = await ending
  client.end()
  return { stdout, stderr, code, signal: signal ?? null }
}

/** An interactive session on a terminal. */
export const openShell = async (
  target: Target,
  user: string,
  { cols = 80, rows = 24 }: { cols?: number; rows?: number } = {},
): Promise<Shell> => {
  const client = await connected(target, user)
  return new Promise((resolve, reject) => {
    client.shell({ term: 'xterm-256color', cols, rows }, (error, channel) => {
      if (error) reject(error)
      else resolve(shellOn(channel, client))
    })
  })
}
