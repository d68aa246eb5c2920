import type { RuleId } from '#services/schema/alert.ts'
import { configAccountWork, configWork } from './commands.ts'
import type { Service } from './model.ts'
import type { Random } from './random.ts'
import type { Transfer, Visit } from './session.ts'
import { dateOf, minuteMs, weekday } from './zone.ts'

/** What a program does in one connection. */
export type Load = Pick<Visit, 'commands' | 'transfers' | 'durationMs' | 'outBytes'> & {
  note?: { rule: RuleId; class: string }
}
type LoadOf = (random: Random, day: number, shortMs: number) => Load

const gigabyte = 1_000_000_000

const copy = (
  direction: Transfer['direction'],
  protocol: string,
  path: string,
  sizeBytes: number,
  fileCount: number,
): Transfer => ({ direction, protocol, path, sizeBytes: Math.round(sizeBytes), fileCount })

const config: LoadOf = (random, _, shortMs) => {
  if (!random.chance(0.03)) return { durationMs: shortMs * 8, commands: configWork(random) }
  return {
    durationMs: shortMs * 8,
    commands: configAccountWork(random, `u${random.hex(4)}`),
    note: { rule: 'privilege-escalation', class: 'config-management' },
  }
}

const isFirstOfMonth = (day: number) => dateOf(day).endsWith('-01')

const batch: LoadOf = (random, day) => {
  const closes = isFirstOfMonth(day)
  const sizeBytes = random.logNormal(closes ? 6e9 : 0.4e9, 0.25)
  const load: Load = {
    durationMs: (closes ? 40 : 3) * minuteMs,
    transfers: [copy('download', 'sftp', '/srv/fin/close', sizeBytes, closes ? 60 : 4)],
  }
  return closes ? { ...load, note: { rule: 'bulk-transfer', class: 'month-end' } } : load
}

const backup: LoadOf = (random, day) => {
  const full = weekday(day) === 0
  const sizeBytes = random.logNormal(full ? 24 : 4, 0.3) * gigabyte
  return {
    durationMs: (full ? 150 : 25) * minuteMs,
    commands: [{ line: 'sudo rsync --server --sender -logDtpre.iLsfxC . /srv /etc' }],
    transfers: [copy('download', 'rsync', '/srv', sizeBytes, random.int(200, 5000))],
    note: { rule: 'bulk-transfer', class: full ? 'backup-full' : 'backup' },
  }
}

const loads: Record<Service['job'], LoadOf> = {
  config,
  batch,
  backup,
  monitor: (random, _, shortMs) => ({
    durationMs: shortMs,
    commands: [{ line: random.pick(['uptime', 'cat /proc/loadavg', 'df -P /']) }],
  }),
  mirror: (random, _, shortMs) => ({
    durationMs: shortMs,
    commands: [{ line: "git-upload-pack '/srv/git/all.git'" }],
    outBytes: Math.round(random.logNormal(2e6, 1)),
  }),
  inventory: (_random, _day, shortMs) => ({
    durationMs: shortMs,
    commands: [{ line: 'sudo dmidecode -t system' }, { line: 'dpkg -l' }],
    outBytes: 90_000,
  }),
  logs: (random, _, shortMs) => ({
    durationMs: shortMs * 5,
    transfers: [copy('download', 'rsync', '/var/log/archive', random.logNormal(45e6, 0.35), random.int(10, 60))],
  }),
  deploy: (random, _, shortMs) => ({
    durationMs: shortMs * 9,
    commands: [{ line: 'sudo systemctl restart app' }],
    transfers: [copy('upload', 'rsync', '/srv/app/current', random.logNormal(110e6, 0.4), random.int(100, 900))],
  }),
  report: (random, _, shortMs) => ({
    durationMs: shortMs * 20,
    transfers: [copy('download', 'scp', '/srv/dwh/report.csv', random.logNormal(50e6, 0.25), 1)],
  }),
  dump: (random) => ({
    durationMs: 25 * minuteMs,
    outBytes: Math.round(random.logNormal(4, 0.2) * gigabyte),
    commands: [{ line: 'pg_dump -Fc shop' }],
    note: { rule: 'bulk-transfer', class: 'nightly-dump' },
  }),
}

export const loadOf = (random: Random, job: Service['job'], day: number): Load =>
  loads[job](random, day, random.int(900, 9000))
