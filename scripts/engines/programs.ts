import { spawn } from 'node:child_process'
import { once } from 'node:events'

const providers: Record<string, string> = {
  mvn: 'Apache Maven 3.8 or later (Debian: apt-get install maven)',
  go: 'Go 1.26 or later (go.dev/dl)',
  openssl: 'OpenSSL 3 (Debian: apt-get install openssl)',
}

/** Enough to see the reason of a failure, and no more than that. */
const lastLines = (chunks: Buffer[]): string =>
  Buffer.concat(chunks).toString('utf8').trimEnd().split('\n').slice(-20).join('\n')

/** Runs a program to its end; its output is shown only when it fails. @throws with what to install when it is missing */
export const run = async (
  program: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<void> => {
  const child = spawn(program, args, {
    ...options,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(`${program} is not installed: install ${providers[program] ?? program}`)
  }
  throw new Error(`${program} failed. The end of what it said:\n${lastLines(output)}`)
}
