import type { Dice } from './dice.ts'

export type GeneratedEvent = { id: string; at: string; kind: string; [field: string]: unknown }
/** Events with their times, in any order. */
export type Timed = { atMs: number; event: { kind: string; [field: string]: unknown } }

export type Login = {
  user: string
  sourceIp: string
  bastion: string
  atMs: number
  method?: string
}
export type SessionPlan = Login & {
  target: string
  minutes: number
  commands: string[][]
  outBytes: number
  transfers?: { sizeBytes: number; fileCount: number; direction?: string; protocol?: string }[]
  recorded?: boolean
  withoutStart?: boolean // nothing but the login, and the end of the connection
}

let sessions = 0
const sessionName = (seed: number): string => `s${seed}-${(++sessions).toString(36)}`

const everyday = [
  ['ls', '-la'],
  ['cd', '/srv/app'],
  ['git', 'pull'],
  ['tail', '-n', '200', '/var/log/app/current.log'],
  ['grep', '-r', 'timeout', 'config/'],
  ['cat', 'docs/runbook.md'],
  ['vim', 'config/settings.yaml'],
  ['docker', 'ps'],
  ['systemctl', 'status', 'app'],
  ['ps', 'aux'],
  ['df', '-h'],
  ['less', '/var/log/syslog'],
  ['psql', '-c', 'select count(*) from jobs'],
  ['curl', '-s', 'localhost:8080/healthz'],
  ['grep', 'sudoers', 'docs/runbook.md'],
  ['man', 'sudo'],
  ['ls', '/etc/sudoers.d'],
  ['top'],
  ['exit'],
]
const duties = [
  ['sudo', 'systemctl', 'restart', 'app'],
  ['sudo', 'journalctl', '-u', 'app', '-n', '100'],
  ['sudo', '/usr/sbin/nginx', '-t'],
  ['sudo', 'tail', '/var/log/auth.log'],
]
export const everydayCommands = (dice: Dice, n: number, hasDuties: boolean): string[][] =>
  Array.from({ length: n }, () => dice.pick(hasDuties && dice.chance(0.15) ? duties : everyday))

export const sessionEvents = (plan: SessionPlan, dice: Dice, seed: number): { timed: Timed[]; sessionId: string } => {
  const { user, sourceIp, bastion, atMs, target, minutes, commands, outBytes } = plan
  const { transfers = [], recorded = true, withoutStart = false, method = 'publickey' } = plan
  const sessionId = sessionName(seed)
  const sourcePort = dice.whole(1_025, 65_000)
  const about = { bastion, user, sourceIp, sourcePort, outcome: 'success' }
  const durationMs = Math.round(minutes * 60_000)
  const startMs = atMs + dice.whole(80, 400)
  const timed: Timed[] = [
    { atMs, event: { kind: 'login', source: 'openssh', ...about, target: bastion, sessionId, method, mfa: true } },
  ]
  const inSession = { ...about, target, sessionId }
  if (!withoutStart)
    timed.push({
      atMs: startMs,
      event: { kind: 'session_started', source: 'sudo', ...inSession, protocol: 'ssh', tty: true, recorded },
    })
  for (const [n, argv] of commands.entries()) {
    const since = Math.round(((n + dice.between(0, 0.9)) / commands.length) * durationMs)
    const command = { argv, line: argv.join(' '), runAs: null, exitCode: 0, via: 'exec', atMs: since }
    timed.push({ atMs: startMs + since, event: { kind: 'command', source: 'sudo', ...inSession, ...command } })
  }
  for (const [n, transfer] of transfers.entries()) {
    const since = Math.round(((n + 1) / (transfers.length + 1)) * durationMs)
    const moved = { direction: 'download', protocol: 'sftp', path: `/srv/data/file${n}`, ...transfer }
    timed.push({ atMs: startMs + since, event: { kind: 'file_transfer', source: 'openssh', ...inSession, ...moved } })
  }
  const ended = {
    durationMs,
    outBytes,
    inBytes: commands.length * 20,
    maxIdleMs: 60_000,
    exitCode: 0,
    exitSignal: null,
  }
  if (!withoutStart)
    timed.push({
      atMs: startMs + durationMs,
      event: { kind: 'session_ended', source: 'sudo', ...inSession, ...ended, recorded },
    })
  return { timed, sessionId }
}

export const failedLogin = (login: Login & { reason: string }): Timed => {
  const { user, sourceIp, bastion, atMs, reason, method = 'password' } = login
  const about = { source: 'openssh', bastion, user, sourceIp, target: bastion, outcome: 'failure' }
  return { atMs, event: { kind: 'login_failed', ...about, method, reason } }
}
