import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { factsOf } from '#hooks/posture/checks.ts'
import { egressClosed, sourceClosed } from '#hooks/posture/firewall/chains.ts'
import { readIptables } from '#hooks/posture/firewall/iptables.ts'
import { readNft } from '#hooks/posture/firewall/nft.ts'
import { readAccounts, readUsablePasswords } from '#hooks/posture/read/accounts.ts'
import { readAuthorizedKeys } from '#hooks/posture/read/authorized-keys.ts'
import { readSshd } from '#hooks/posture/read/sshd.ts'
import { readSudoers } from '#hooks/posture/read/sudoers.ts'
import { compilersAmong, readPendingUpdates, readUnattended } from '#hooks/posture/read/updates.ts'
import { seen } from '#hooks/posture/verdict.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { keysOf, nowMs, sshdOf, viewOf } from './views.ts'

const inputCount = 100_000
const limitMs = 60_000 // of CPU; some seconds, minutes if anything were quadratic

const blob = (type: string, ...fields: Buffer[]): string =>
  Buffer.concat(
    [Buffer.from(type), ...fields].flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(field.length)
      return [length, field]
    }),
  ).toString('base64')
const ed25519 = `ssh-ed25519 ${blob('ssh-ed25519', Buffer.alloc(32, 9))} alice@laptop`
const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), 'utf8')

/** What each reader reads, as it should be, and what is judged of it. */
const readers: { sample: string; read: (text: string) => unknown }[] = [
  { sample: fixture('sshd-7.4.txt'), read: (text) => factsOf(viewOf({ sshd: sshdOf(text) })) },
  { sample: fixture('sshd-9.9.txt'), read: (text) => factsOf(viewOf({ sshd: sshdOf(text) })) },
  {
    sample: `from="10.0.0.0/8",command="a \\"b\\", c" ${ed25519}\n${ed25519}\nssh-rsa ${blob('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(129, 200))} bob@x\n`,
    read: (text) => factsOf(viewOf({ keys: keysOf({ alice: text, bob: text }) })),
  },
  {
    sample: 'root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:A:/home/alice:/usr/bin/zsh\n',
    read: (text) => factsOf(viewOf({ accounts: seen(readAccounts(text)), passwords: seen(readUsablePasswords(text)) })),
  },
  {
    sample:
      'Defaults:%g log_servers=127.0.0.1:30343, !ignore_iolog_errors, \\\n a="x,#y"\n@includedir /etc/x\\ y\n#include "z"\n',
    read: (text) =>
      factsOf(viewOf({ sudoers: seen(readSudoers(text).defaults.map((each) => ({ ...each, file: '/etc/sudoers' }))) })),
  },
  {
    sample:
      'table inet f {\n\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n\t\tip daddr { 10.0.0.0/8 } tcp dport { 22, 80-90 } accept\n\t\tjump x\n\t}\n\tchain x {\n\t\tct state new goto output\n\t}\n}\n',
    read: (text) => [egressClosed(readNft(text)), sourceClosed(readNft(text), 22)],
  },
  {
    sample:
      '*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:u - [0:0]\n-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j u\n-A u -m conntrack --ctstate NEW -g INPUT\nCOMMIT\n',
    read: (text) => [egressClosed(readIptables(text, 'ipv4')), sourceClosed(readIptables(text, 'ipv4'), 22)],
  },
  {
    sample:
      'Inst libssl3 [3.0.1-1] (3.0.2-1 Debian-Security:12/stable-security [amd64])\nAPT::Periodic::Unattended-Upgrade "1";\n',
    read: (text) => {
      const updates = { pending: readPendingUpdates(text), listsAtMs: nowMs, unattended: readUnattended(text) ?? false }
      return factsOf(viewOf({ updates: seen(updates), compilers: seen(compilersAmong(text.split(/[\s"]/))) }))
    },
  },
]

const pieces = [
  '"',
  '\\',
  '\n',
  '\0',
  ' ',
  ',',
  '{',
  '}',
  '#',
  '@',
  '!',
  '=',
  ':',
  '/',
  '\t',
  'é',
  '\ud800',
  '999999999999',
  '%h',
  '-',
  '*',
  '__proto__',
  'constructor ',
]

const createMutation = (seed: number) => {
  const random = seededRandom(seed)
  const below = (count: number) => Math.floor(random() * count)
  const steps: ((text: string) => string)[] = [
    (text) => text.slice(0, below(text.length + 1)),
    (text) => text.slice(below(text.length + 1)),
    (text) => {
      const at = below(text.length + 1)
      return text.slice(0, at) + pieces[below(pieces.length)]! + text.slice(at + below(4))
    },
    (text) => {
      const [from, to] = [below(text.length), below(text.length)]
      return text.slice(0, from) + text.slice(to, to + below(200)) + text.slice(from)
    },
    (text) => text.replaceAll(/\d/g, (digit) => (random() < 0.2 ? String(below(10)) : digit)),
    (text) => text.replace(/[a-z]+/g, (word) => (random() < 0.05 ? pieces[below(pieces.length)]! : word)),
  ]
  return (text: string): string => {
    let mutated = text
    for (let count = 1 + below(4); count > 0; count--) mutated = steps[below(steps.length)]!(mutated)
    return mutated
  }
}

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

test(`${inputCount} mutated inputs over all readers: nothing throws, hangs or tells what is no event`, (t) => {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`TEST_SEED=${seed}`)
  const mutate = createMutation(seed)
  const started = cpuMs()
  const unchanged = readers.map(({ sample, read }) => JSON.stringify(read(sample)))
  let different = 0
  for (let count = 0; count < inputCount; count++) {
    const { sample, read } = readers[count % readers.length]!
    const text = mutate(sample)
    try {
      const told = JSON.stringify(read(text))
      if (told.length > 100_000) t.fail(`seed ${seed}: ${told.length} characters from ${JSON.stringify(text)}`)
      if (told !== unchanged[count % readers.length]) different += 1
      if (count % 97 === 0 && told.startsWith('[{')) validate(JSON.parse(told) as Record<string, unknown>[])
    } catch (error) {
      t.fail(`seed ${seed}: ${String(error)} from ${JSON.stringify(text)}`)
      return
    }
  }
  t.log(`${Math.round(cpuMs() - started)} ms of CPU; ${different} told something else than the sample`)
  t.true(different > inputCount / 20)
  t.true(cpuMs() - started < limitMs)
})

/** The readers alone, on a part of their samples. */
const parsers: [name: string, sample: string, read: (text: string) => unknown][] = [
  ['sshd -T', readers[1]!.sample.split('\n').slice(0, 12).join('\n'), readSshd],
  ['authorized_keys', readers[2]!.sample.slice(0, 200), readAuthorizedKeys],
  ['passwd', readers[3]!.sample, readAccounts],
  ['shadow', 'root:*:1::::::\nalice:$y$j9T$x$y:2:0:99999:7:::\n', readUsablePasswords],
  ['sudoers', readers[4]!.sample, readSudoers],
  ['nft list ruleset', readers[5]!.sample, readNft],
  ['iptables-save', readers[6]!.sample, (text) => readIptables(text, 'ipv4')],
  ['apt-get -s upgrade', readers[7]!.sample, readPendingUpdates],
  ['apt-config dump', readers[7]!.sample.slice(-60), readUnattended],
]
const textOf = (found: unknown): string =>
  JSON.stringify(found, (_, value: unknown) => (value instanceof Map || value instanceof Set ? [...value] : value)) ??
  ''
for (const [name, sample, read] of parsers)
  test(`${inputCount} mutated outputs or files of ${name} are read without a throw, and what is read is no longer than they`, (t) => {
    const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    t.log(`TEST_SEED=${seed}`)
    const mutate = createMutation(seed)
    const started = cpuMs()
    const unchanged = textOf(read(sample))
    let different = 0
    for (let count = 0; count < inputCount; count++) {
      const text = mutate(sample)
      try {
        const found = read(text)
        if (count % 16 > 0) continue
        const told = textOf(found)
        if (told.length > 64 * (text.length + 64)) return t.fail(`seed ${seed}: ${told.length} characters`)
        if (told !== unchanged) different += 1
      } catch (error) {
        return t.fail(`seed ${seed}: ${String(error)} from ${JSON.stringify(text)}`)
      }
    }
    t.log(`${Math.round(cpuMs() - started)} ms of CPU`)
    t.true(different > 0)
    t.true(cpuMs() - started < limitMs)
  })

const validate = (facts: Record<string, unknown>[]): void => {
  for (const fact of facts)
    SessionEvent.parse({
      id: 'x',
      at: '2026-06-01T00:00:00Z',
      source: 'posture',
      bastion: 'b1',
      kind: 'posture',
      ...fact,
    })
}

test('texts made to make a reader go back and forth take no longer than others of their length', (t) => {
  const long = 1_000_000
  const worst = [
    '"'.repeat(long),
    '\\'.repeat(long),
    'Defaults '.repeat(long / 9),
    `Defaults${' '.repeat(15_000)}`.repeat(60),
    `Defaults:${'a'.repeat(15_000)}\n`.repeat(60),
    `Defaults ${'!'.repeat(15_000)}\n`.repeat(60),
    `${'a,'.repeat(8_000)}\n`.repeat(60),
    `from="${'a\\"'.repeat(5_000)}\n`.repeat(60),
    `-A INPUT${' -s'.repeat(2_500)}\n`.repeat(120),
    `*filter\n:INPUT DROP [0:0]\n${`-A INPUT ${'--comment "'.repeat(700)}\n`.repeat(100)}`,
    `table ip f {\nchain input {\n${`${'ip saddr { '.repeat(700)}\n`.repeat(100)}`,
    `table ip f {\nchain input {\ntype filter hook input priority 0; policy drop;\n${'jump input\n'.repeat(40_000)}`,
    `Inst a [${'b '.repeat(2_000)}\n`.repeat(200),
    'APT::Periodic::Unattended-Upgrade '.repeat(long / 34),
    `authenticationmethods ${'publickey,'.repeat(1_600)}\n`.repeat(50),
    `allowusers ${'a@'.repeat(8_000)}\n`.repeat(50),
    `listenaddress ${':'.repeat(16_000)}\n`.repeat(50),
    `ssh-rsa ${'A'.repeat(16_000)}\n`.repeat(50),
  ]
  const started = cpuMs()
  for (const text of worst) {
    for (const { read } of readers) read(text)
    t.true(readAuthorizedKeys(text).keys.length < 100)
  }
  t.log(`${Math.round(cpuMs() - started)} ms of CPU`)
  t.true(cpuMs() - started < limitMs)
})
