import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { followJournal } from '#hooks/openssh/journal.ts'
import type { Position } from '#hooks/openssh/line-source.ts'
import { createSshdLog, type SshdEvent } from '#hooks/openssh/sshd-log.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const script = fileURLToPath(new URL('own-journal.sh', import.meta.url))
const limit = { limitMs: 60_000, everyMs: 50 }
const needed = ['root', 'sshd', 'ssh', 'sftp', 'unshare', 'journalctl', 'logger']

const sshdConfig = (folder: string, port: number): string => `ListenAddress 127.0.0.1
Port ${port}
HostKey ${folder}/host_key
PidFile none
LogLevel VERBOSE
UsePAM yes
PermitRootLogin yes
StrictModes no
KbdInteractiveAuthentication no
AuthorizedKeysFile ${folder}/client_key.pub
Subsystem sftp internal-sftp -l VERBOSE -f AUTHPRIV
`

/** Real logins over a real sshd into a real journal, under `folder`. */
const startLogins = async (t: ExecutionContext, folder: string, port: number): Promise<void> => {
  for (const name of ['journal', 'dev']) await mkdir(join(folder, name))
  for (const name of ['host_key', 'client_key'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  await writeFile(join(folder, 'sshd_config'), sshdConfig(folder, port))
  const args = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', script, folder, String(port)]
  const child = spawn('unshare', args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.stdin.end()
    const ended = await Promise.race([exited.then(() => true), new Promise((resolve) => setTimeout(resolve, 5000))])
    if (!ended) child.kill('SIGKILL')
    await exited
    if (said) t.log(said.slice(0, 1000))
  })
}

const following = async (t: ExecutionContext, folder: string, from: Extract<Position, { kind: 'journal' }> | null) => {
  const lines: string[] = []
  const positions: Position[] = []
  const journalctl = ['journalctl', `--directory=${join(folder, 'journal')}`]
  const source = followJournal({
    from,
    identifiers: ['sshd', 'sshd-session', 'internal-sftp'],
    journalctl,
    onProblem: () => undefined,
  })
  await source.start(async (batch, position) => {
    lines.push(...batch)
    positions.push(position)
  })
  t.teardown(() => source.close())
  return { lines, positions, source }
}

const parsed = (lines: string[]): SshdEvent[] => {
  const log = createSshdLog({ bastion: 'b1', zone: 'UTC' })
  return lines.flatMap((line) => log.take(line))
}

realTest(test, needed, 'what a real sshd tells a real journald arrives, and a cursor goes on behind it', async (t) => {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  await startLogins(t, folder, port)
  const { lines, positions, source } = await following(t, folder, null)
  const isThere = (wanted: string) => lines.some((line) => line.includes(wanted))
  // Each process writes when it comes to it: the last one's line need not be the last in the journal.
  const ends = () => parsed(lines).filter(({ kind }) => kind === 'session_ended').length
  await until(() => isThere('10.9.9.9 port 22 ssh2"') && ends() === 2, { ...limit, what: 'the last lines' })
  await source.close()

  const events = parsed(lines)
  const found = events.map(({ kind, user }) => `${kind} ${user}`)
  t.deepEqual(found.slice(0, 3), ['login root', 'session_started root', 'session_ended root'])
  const failed = events.find(({ kind }) => kind === 'login_failed')
  t.is(failed?.user, 'nobody from 10.9.9.9 port 22 ssh2')
  t.is(failed?.reason, 'invalid_user')
  t.deepEqual(
    events.filter(({ sourceIp }) => sourceIp !== '127.0.0.1'),
    [],
  )
  t.is(events.filter(({ kind }) => kind === 'login').length, 2, 'what logger wrote is no login')
  const file = events.find(({ kind }) => kind === 'file_transfer')
  t.is(file?.sizeBytes, (await readFile('/etc/hostname')).length)
  t.is(file?.path, '/etc/hostname')
  t.is(new Set(events.map(({ connectionId }) => connectionId)).size, 3)

  const again = execFileSync('journalctl', ['-q', '-o', 'json', `--directory=${join(folder, 'journal')}`])
  t.deepEqual(parsed(again.toString().split('\n')), events, 'an import of the same journal agrees')

  const rest = await following(t, folder, positions[0] as Extract<Position, { kind: 'journal' }>)
  const firstCursor = (positions[0] as { cursor: string }).cursor
  await until(() => rest.lines.length > 0 || positions.length === 1, limit)
  t.false(rest.lines.some((line) => line.includes(firstCursor)))
})
