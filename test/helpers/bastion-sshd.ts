import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Syslog } from './bastion-syslog.ts'
import { freePort } from './free-port.ts'
import type { Teardown } from './temporary-folder.ts'
import { until } from './until.ts'

export type Sshd = { port: number; log(): string }

// As Debian ships it, but for ports, keys and files of this test's own.
const stockConfig = (folder: string, port: number, subsystem: string): string => `ListenAddress 127.0.0.1
Port ${port}
HostKey ${folder}/host_key
PidFile none
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp ${subsystem}
`

export type SshdOptions = {
  folder: string
  recipe: string
  subsystem: string
  logFile?: string
  syslog?: Syslog
}

/**
 * The machine's own sshd on a port of its own: its stock configuration with the recipe's behind it. `logFile`: what it
 * says, as a syslog daemon writes it (sshd itself writes neither times nor process numbers there). `syslog`: it speaks
 * to that instead, and so does what it starts.
 */
export const startSshd = async (
  t: Teardown,
  { folder, recipe, subsystem, logFile, syslog }: SshdOptions,
): Promise<Sshd> => {
  const port = await freePort()
  const config = join(folder, 'sshd_config')
  await mkdir('/run/sshd', { recursive: true })
  await writeFile(config, stockConfig(folder, port, subsystem) + recipe)
  execFileSync('/usr/sbin/sshd', ['-t', '-f', config])
  const command = ['/usr/sbin/sshd', '-D', ...(syslog ? [] : ['-e']), '-f', config]
  const [program, ...args] = (syslog ? syslog.within(command) : command) as [string, ...string[]]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  let log = ''
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString('utf8')
  })
  if (logFile !== undefined) {
    const lines = createInterface({ input: child.stderr })
    lines.on('line', (line) => appendFileSync(logFile, `${new Date().toISOString()} test-bastion sshd: ${line}\n`))
  }
  const said = () => (syslog ? syslog.said() : log)
  await until(() => said().includes(`Server listening on 127.0.0.1 port ${port}`), { what: 'sshd' })
  return { port, log: said }
}
