import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { chmod, readlink, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { canMount } from './mounted-folder.ts'
import { temporaryFolder } from './temporary-folder.ts'

const receiver = fileURLToPath(new URL('./syslog-socket.py', import.meta.url))

/** What tests with a syslog of their own need, for realTest. */
export const syslogPrograms = ['python3', 'unshare', 'mount', ...(canMount ? [] : ['mount namespaces'])]

export type Syslog = {
  /** The command line in a mount namespace with a /dev/log of its own, for it and all it starts. */
  within(command: string[]): string[]
  /** What was said, also what was lost on its way to the file. */
  said(): string
}

/** Where syslog(3) leads to on this machine, and what to put there: a file that is there, or the folder it is missing in. */
const placeOf = async (socket: string): Promise<{ from: string; to: string }> => {
  const to = await readlink('/dev/log').catch(() => '/dev/log')
  const isThere = await stat(to).catch(() => null)
  return isThere || dirname(to) === '/dev' ? { from: socket, to } : { from: dirname(socket), to: dirname(to) }
}

/** A syslog daemon that writes one file, in which sshd, PAM and sudo stand together as in auth.log. */
export const startSyslog = async (
  t: ExecutionContext<unknown>,
  { logFile, isLost = () => false }: { logFile: string; isLost?: (line: string) => boolean },
): Promise<Syslog> => {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  const target = await readlink('/dev/log').catch(() => '/dev/log')
  const socket = join(folder, basename(target))
  const child = spawn('python3', [receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const lines = createInterface({ input: child.stdout })
  await once(lines, 'line')
  const { from, to } = await placeOf(socket)
  let said = ''
  lines.on('line', (line) => {
    said += `${line}\n`
    if (!isLost(line)) appendFileSync(logFile, `${line}\n`)
  })
  const script = `from=$1 to=$2; shift 2
    [ -e "$to" ] || if [ -d "$from" ]; then mkdir -p "$to"; else : >"$to"; fi
    mount --bind "$from" "$to" && exec "$@"`
  return {
    within: (command) => ['unshare', '-m', 'sh', '-c', script, 'sh', from, to, ...command],
    said: () => said,
  }
}
