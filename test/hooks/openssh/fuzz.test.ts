import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { createSshdLog } from '#hooks/openssh/sshd-log.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const folder = new URL('../../fixtures/sshd/', import.meta.url)
const corpus = readdirSync(folder)
  .filter((name) => name.endsWith('.log'))
  .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('\n'))
  .filter((line) => line !== '')

const lineCount = 100_000
const limitMs = 20_000
/** Of this thread: how long it takes by the clock is the machine's business. */
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
const pieces = [
  ' from ',
  ' port ',
  ' ssh2',
  ' ssh2: ',
  ': ',
  '[',
  ']',
  '"',
  '\\',
  "'",
  ' for ',
  ' id ',
  '\0',
  '\u{1f600}',
  '\ud800',
  '99999999999',
  ' (serial ',
  ') CA ',
  'UNKNOWN',
  '::',
  '{',
  '<',
  'message repeated 3 times: [ ',
]

const createMutations = (seed: number) => {
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const any = <T>(items: T[]): T => items[below(items.length)]!
  const cut = (line: string): [string, string] => {
    const at = below(line.length + 1)
    return [line.slice(0, at), line.slice(at)]
  }
  const steps: ((line: string) => string)[] = [
    (line) => cut(line)[0],
    (line) => cut(line).join(any(pieces)),
    (line) => cut(line)[0] + cut(any(corpus))[1],
    (line) => cut(line).join(String.fromCharCode(below(300))),
    (line) => {
      const [before, after] = cut(line)
      return before + after.slice(below(12))
    },
    (line) => line.replaceAll(/\d/g, (digit) => (random() < 0.1 ? String(below(10)) : digit)),
    (line) => cut(line).join(any(pieces).repeat(below(200))),
    (line) => line,
  ]
  return { random, line: () => any(steps)(random() < 0.3 ? any(steps)(any(corpus)) : any(corpus)) }
}

test(`${lineCount} mutated lines: nothing throws or hangs, and every event is a valid one`, (t) => {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`TEST_SEED=${seed}`)
  const { line } = createMutations(seed)
  const lines = Array.from({ length: lineCount }, line)
  const log = createSshdLog({ bastion: 'b1', zone: 'America/New_York', notAfterMs: () => Date.UTC(2026, 10, 21) })
  const started = cpuMs()
  let events = 0
  for (const one of lines)
    for (const event of log.take(one)) {
      events += 1
      const { success, error } = SessionEvent.safeParse(event)
      if (!success) t.fail(`seed ${seed}: ${JSON.stringify(one)}: ${error.message}`)
    }
  t.true(events > lineCount / 50, `only ${events} events`)
  t.is(log.counts.lines, lineCount)
  t.log(`${Math.round(cpuMs() - started)} ms of CPU`)
  t.true(cpuMs() - started < limitMs)
  t.true(JSON.stringify(log.snapshot()).length < 8_000_000)
})

test('lines made to make a parser go back and forth take no longer than others of their length', (t) => {
  const log = createSshdLog({ bastion: 'b1', zone: 'UTC', year: 2026 })
  const head = '2026-06-01T00:00:00Z b1 sshd[1]: '
  const long = 60_000
  const worst = [
    `Failed publickey for ${' from 1.2.3.4 port 22 ssh2: '.repeat(long / 28)}`,
    `Failed password for ${' from '.repeat(long / 6)} ssh2`,
    `Starting session: forced-command (config) '${"' on pts/0 for a from ".repeat(long / 22)}`,
    `Received disconnect from ${'1'.repeat(long)}`,
    `message repeated ${'9'.repeat(long)} times: [ x]`,
    `message repeated 999999999 times: [ Failed password for a from 1.2.3.4 port 22 ssh2]`,
    `error: PAM: ${' for illegal user '.repeat(long / 18)}`,
    `Accepted publickey for a from 1.2.3.4 port 22 ssh2: RSA-CERT ${'ID (serial ) CA '.repeat(long / 16)}`,
    `Connection from ${' port on'.repeat(long / 8)}`,
    `Failed password for ${'\\'.repeat(long)} from 1.2.3.4 port 22 ssh2`,
    `Failed password for ${'\\377\\\\'.repeat(long / 6)} from 1.2.3.4 port 22 ssh2`,
    `error: PAM: ${'account token '.repeat(long / 14)} for a from 1.2.3.4`,
    `pam_unix(sshd:account): account ${'x'.repeat(long)} has expired`,
    `userauth_pubkey: ${' not in PubkeyAccepted'.repeat(long / 22)}`,
    `Received disconnect from ${'1:'.repeat(long / 2)}`,
    `ssh_dispatch_run_fatal: Connection from ${': 1.2.3.4 port 5'.repeat(long / 16)}`,
  ]
  const started = cpuMs()
  for (const message of worst) for (let count = 0; count < 5; count++) log.take(head + message)
  log.take(`<38>1 2026-06-01T00:00:00Z b1 sshd 1 - [${'a="\\"]" '.repeat(long / 9)}] x`)
  log.take(`{"sshd":${'['.repeat(long)}`)
  t.true(cpuMs() - started < limitMs) // a second or so; minutes if anything were quadratic
  t.is(log.counts.unexpanded, 5 * (999_999_999 - 10_000))
})

test('a line over 64 KiB is cut off and counted', (t) => {
  const log = createSshdLog({ bastion: 'b1', zone: 'UTC', year: 2026 })
  const line = `2026-06-01T00:00:00Z b1 sshd[1]: Failed password for ${'x'.repeat(70_000)} from 1.2.3.4 port 22 ssh2`
  t.deepEqual(log.take(line), [])
  t.is(log.counts.cut, 1)
})

test('whatever is typed as a name, neither its source nor a login can be forged', (t) => {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`TEST_SEED=${seed}`)
  const { line, random } = createMutations(seed)
  const log = createSshdLog({ bastion: 'b1', zone: 'UTC', year: 2026 })
  const forms = [
    (name: string) => `Failed password for invalid user ${name} from 203.0.113.77 port 4711 ssh2`,
    (name: string) => `Failed publickey for invalid user ${name} from 203.0.113.77 port 4711 ssh2: ED25519 SHA256:abc`,
    (name: string) => `Invalid user ${name} from 203.0.113.77 port 4711`,
    (name: string) => `Connection closed by invalid user ${name} 203.0.113.77 port 4711 [preauth]`,
    (name: string) => `Disconnected from authenticating user ${name} 203.0.113.77 port 4711 [preauth]`,
    (name: string) =>
      `Postponed keyboard-interactive for invalid user ${name} from 203.0.113.77 port 4711 ssh2 [preauth]`,
  ]
  for (let pid = 1; pid <= 20_000; pid++) {
    const words = line()
    const start = Math.floor(random() * words.length)
    const name = words.slice(start, start + 100)
    const form = forms[pid % forms.length]!
    for (const event of log.take(`2026-06-01T00:00:00Z b1 sshd[${pid}]: ${form(name)}`)) {
      t.is(event.kind, 'login_failed', name)
      t.is(event.sourceIp, '203.0.113.77', name)
      t.is(event.sourcePort, 4711, name)
    }
  }
})
