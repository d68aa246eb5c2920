import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLineSplitter } from '#hooks/openssh/line-splitter.ts'
import { createSshdLog } from '#hooks/openssh/sshd-log.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

/** sshd's log to events, beside `grep -c` of the same file: `npm run bench -- sshd [--quick]`. CPU seconds: the machine is shared. */
const quick = process.argv.includes('--quick')
const fileBytes = (quick ? 20 : 200) * 1024 * 1024
const chunkBytes = 262_144
const random = seededRandom(20_261_121)
const below = (count: number): number => Math.floor(random() * count)
const address = (): string => `203.0.${below(256)}.${below(256)}`
const key = 'SHA256:pbrkFfjDTxfK6cbhW1kslFRy9fBnV9NwShMf04nKkb0'

/** What a bastion's auth.log holds besides sshd's lines. */
const noise = (): string[] => [
  `CRON[${below(90_000)}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)`,
  `systemd-logind[512]: New session ${below(90_000)} of user alice.`,
  `sudo: alice : TTY=pts/${below(50)} ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl status sshd`,
]

const attack = (pid: number): string[] => {
  const peer = `${address()} port ${1024 + below(60_000)}`
  const [ip] = peer.split(' ')
  return [
    `sshd[${pid}]: Connection from ${peer} on 10.0.0.1 port 22 rdomain ""`,
    `sshd[${pid}]: Invalid user admin${below(100)} from ${peer}`,
    `sshd[${pid}]: pam_unix(sshd:auth): check pass; user unknown`,
    `sshd[${pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${ip}`,
    `sshd[${pid}]: Failed password for invalid user admin from ${peer} ssh2`,
    `sshd[${pid}]: Connection closed by invalid user admin ${peer} [preauth]`,
  ]
}

const login = (pid: number): string[] => {
  const peer = `${address()} port ${1024 + below(60_000)}`
  const user = `user${below(500)}`
  return [
    `sshd[${pid}]: Connection from ${peer} on 10.0.0.1 port 22 rdomain ""`,
    `sshd[${pid}]: Accepted key ED25519 ${key} found at /home/${user}/.ssh/authorized_keys:1`,
    `sshd[${pid}]: Postponed publickey for ${user} from ${peer} ssh2 [preauth]`,
    `sshd[${pid}]: Accepted publickey for ${user} from ${peer} ssh2: ED25519 ${key}`,
    `sshd[${pid}]: pam_unix(sshd:session): session opened for user ${user}(uid=1001) by (uid=0)`,
    `sshd[${pid}]: User child is on pid ${pid + 1}`,
    `sshd[${pid + 1}]: Starting session: shell on pts/1 for ${user} from ${peer} id 0`,
    `sshd[${pid + 1}]: Close session: user ${user} from ${peer} id 0`,
    `sshd[${pid + 1}]: Received disconnect from ${peer}:11: disconnected by user`,
    `sshd[${pid + 1}]: Disconnected from user ${user} ${peer}`,
    `sshd[${pid}]: pam_unix(sshd:session): session closed for user ${user}`,
  ]
}

const contents: Record<string, (pid: number) => string[]> = {
  'other programs only': noise,
  'sshd only (attacks and logins)': (pid) => [...attack(pid), ...login(pid + 2)],
  'a tenth sshd': (pid) => [...Array.from({ length: 20 }, noise).flat(), ...attack(pid)],
}

const stamps: Record<string, (ms: number) => string> = {
  'RFC 3339': (ms) => `${new Date(ms).toISOString().slice(0, -1)}123+00:00`,
  traditional: (ms) =>
    `Nov ${String(1 + (Math.floor(ms / 86_400_000) % 28)).padStart(2)} ${new Date(ms).toISOString().slice(11, 19)}`,
}

const generate = (file: string, content: (pid: number) => string[], stamp: (ms: number) => string): void => {
  const out = openSync(file, 'w')
  let ms = Date.UTC(2026, 10, 1)
  for (let written = 0, pid = 1000; written < fileBytes; ) {
    let text = ''
    for (let count = 0; count < 500; count++, pid = 1000 + ((pid + 10) % 4_000_000)) {
      ms += 200
      const start = `${stamp(ms)} bastion-1 `
      for (const line of content(pid)) text += `${start}${line}\n`
    }
    written += writeSync(out, text)
  }
  closeSync(out)
}

const parse = (file: string) => {
  const log = createSshdLog({ bastion: 'bastion-1', zone: 'UTC', year: 2026 })
  const splitter = createLineSplitter(0)
  const buffer = Buffer.alloc(chunkBytes)
  const input = openSync(file, 'r')
  const start = process.cpuUsage()
  for (let bytes = readSync(input, buffer); bytes > 0; bytes = readSync(input, buffer))
    for (const { text } of splitter.push(buffer.subarray(0, bytes))) log.take(text)
  const { user, system } = process.cpuUsage(start)
  closeSync(input)
  return { seconds: (user + system) / 1e6, ...log.counts }
}

const grepSeconds = (file: string): number => {
  const script = 'LC_ALL=C grep -c sshd "$0" | cat >&2; times'
  const { stdout } = spawnSync('bash', ['-c', script, file], { encoding: 'utf8' })
  const ofChildren = stdout.trim().split('\n')[1] ?? ''
  return [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, min, sec]) => sum + Number(min) * 60 + Number(sec),
    0,
  )
}

const folder = mkdtempSync(join(tmpdir(), 'bartizan-bench-sshd-'))
try {
  const rows: Record<string, unknown>[] = []
  for (const [form, stamp] of Object.entries(stamps))
    for (const [name, content] of Object.entries(contents)) {
      const file = join(folder, 'log')
      generate(file, content, stamp)
      const megabytes = statSync(file).size / 1e6
      parse(file) // compiled, and in the page cache, before it is measured
      const { seconds, lines, sshdLines, events } = parse(file)
      const grep = grepSeconds(file)
      rows.push({
        form,
        content: name,
        'MB/s': Math.round(megabytes / seconds),
        'k lines/s': Math.round(lines / seconds / 1000),
        'k events/s': Math.round(events / seconds / 1000),
        'sshd lines': sshdLines,
        'grep -c MB/s': grep > 0 ? Math.round(megabytes / grep) : 'too fast to tell',
      })
    }
  console.table(rows)
} finally {
  rmSync(folder, { recursive: true })
}
