import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext, type Implementation } from 'ava'
import { checks, factsOf } from '#hooks/posture/checks.ts'
import { collectSshd } from '#hooks/posture/collect-sshd.ts'
import { readSshd } from '#hooks/posture/read/sshd.ts'
import { runProgram } from '#hooks/posture/run-program.ts'
import { seen } from '#hooks/posture/verdict.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { sshdOf, viewOf } from './views.ts'

const withSshd = (title: string, body: Implementation<[]>) =>
  realTest(test, ['root', 'sshd', 'ssh-keygen'], title, body)
const root = { user: 'root', uid: 0, home: '/root', shell: '/bin/bash' }
const nobody = { user: 'nobody', uid: 65_534, home: '/nonexistent', shell: '/opt/bartizan/bartizan-session' }

/** What the machine's own sshd makes of a configuration, judged. */
const judged = async (t: ExecutionContext, config: string) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'sshd_config')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host_key')])
  await writeFile(file, `HostKey ${folder}/host_key\n${config}\n`)
  const sshd = await collectSshd(runProgram, [root, nobody], file)
  if (!sshd.ok) throw new Error(sshd.reason)
  const facts = factsOf(viewOf({ sshd, accounts: seen([root, nobody]), passwords: seen(new Set(['root', 'nobody'])) }))
  return (check: string) => facts.find((fact) => fact.check === check)!
}

withSshd(
  'Debian’s own sshd as it comes: a password is enough, tunnels are open, nothing ends, anybody may try',
  async (t) => {
    const of = await judged(t, 'KbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes')
    t.like(of('password-authentication'), { status: 'fail', detail: { methods: ['password'], users: ['nobody'] } })
    t.like(of('mfa-required'), { status: 'fail', detail: { oneFactor: ['any'], users: ['root', 'nobody'] } })
    t.like(of('root-login'), { status: 'warn', detail: { permitRootLogin: 'without-password' } })
    t.is(of('forwarding-allowed').status, 'fail')
    t.deepEqual(of('forwarding-allowed').detail.allowed, [
      'allowtcpforwarding',
      'allowstreamlocalforwarding',
      'allowagentforwarding',
      'x11forwarding',
    ])
    t.like(of('idle-timeout'), { status: 'fail', detail: { endsAfterSeconds: 0 } })
    t.is(of('source-restriction').status, 'fail')
    t.like(of('listen-address'), { status: 'fail', detail: { addresses: ['::', '0.0.0.0'] } })
    t.like(of('recording-enforced'), { status: 'fail', detail: { recordedCount: 0 } })
  },
)

const hardened = `
ListenAddress 10.1.2.3
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication yes
AuthenticationMethods publickey,keyboard-interactive
AllowUsers *@10.0.0.0/8
ClientAliveInterval 300
ClientAliveCountMax 4
DisableForwarding yes
PermitUserRC no
ForceCommand /opt/bartizan/bartizan-session`

withSshd('a guarded sshd is well in every respect', async (t) => {
  const of = await judged(t, hardened)
  for (const { id } of checks.slice(0, 9)) t.is(of(id).status, 'ok', `${id}: ${JSON.stringify(of(id))}`)
  t.like(of('root-login').detail, { permitRootLogin: 'no' })
  t.is(of('idle-timeout').detail.endsAfterSeconds, 1200)
})

withSshd(
  'a Match block for places of ours does not count for strangers, and one for a user counts for him alone',
  async (t) => {
    const of = await judged(
      t,
      `PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding no
AllowStreamLocalForwarding no
AllowAgentForwarding no
Match Address 10.0.0.0/8
  PasswordAuthentication yes
Match User nobody
  AllowTcpForwarding local
  ForceCommand /opt/bartizan/bartizan-session
  PermitUserRC yes`,
    )
    t.is(of('password-authentication').status, 'ok')
    t.like(of('forwarding-allowed'), { status: 'fail', detail: { allowed: ['allowtcpforwarding'], users: ['nobody'] } })
    t.like(of('recording-enforced'), { status: 'fail', detail: { runsBefore: ['nobody'], unrecorded: ['root'] } })
  },
)

withSshd('who is recorded through a shell that reads his files could leave before the recording', async (t) => {
  const folder = await temporaryFolder(t)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host_key')])
  await writeFile(join(folder, 'sshd_config'), `HostKey ${folder}/host_key\n${hardened}\n`)
  const accounts = ['/usr/bin/zsh', '/bin/bash', '/bin/dash', nobody.shell].map((shell, index) => ({
    ...nobody,
    user: `u${index}`,
    shell,
  }))
  const sshd = await collectSshd(runProgram, accounts, join(folder, 'sshd_config'))
  const facts = factsOf(viewOf({ sshd, accounts: seen(accounts) }))
  const loginShell = facts.find(({ check }) => check === 'login-shell')!
  t.like(loginShell, { status: 'fail', detail: { users: ['u0', 'u1'], shells: ['zsh', 'bash'] } })
})

withSshd('a configuration that sshd refuses leaves every check of it unknown, with the reason', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'sshd_config'), 'NoSuchKeyword yes\n')
  const sshd = await collectSshd(runProgram, [root], join(folder, 'sshd_config'))
  const facts = factsOf(viewOf({ sshd, accounts: seen([root]) }), checks.slice(0, 8))
  t.true(
    facts.every(
      ({ status, detail }) => status === 'warn' && /Bad configuration|NoSuchKeyword/i.test(String(detail.notChecked)),
    ),
  )
  t.is(facts.length, 8)
})

for (const [version, expected] of [
  ['7.4', { password: ['keyboard-interactive'], root: 'fail', listen: ['0.0.0.0', '::'], idleSeconds: 0 }],
  ['9.9', { password: [], root: 'ok', listen: [], idleSeconds: 900 }],
] as const)
  test(`what sshd ${version} prints is understood (written after its source, servconf.c)`, async (t) => {
    const text = await readFile(new URL(`fixtures/sshd-${version}.txt`, import.meta.url), 'utf8')
    const facts = factsOf(viewOf({ sshd: sshdOf(text) }))
    const of = (check: string) => facts.find((fact) => fact.check === check)!
    t.deepEqual(of('password-authentication').detail.methods, [...expected.password])
    t.is(of('root-login').status, expected.root)
    t.deepEqual(of('listen-address').detail.addresses, [...expected.listen])
    t.is(of('idle-timeout').detail.endsAfterSeconds, expected.idleSeconds)
  })

test('two factors are two kinds of proof, or a key in a token that asks for its PIN', (t) => {
  const statusOf = (methods: string, more = '') =>
    factsOf(viewOf({ sshd: sshdOf(`authenticationmethods ${methods}\n${more}`) })).find(
      ({ check }) => check === 'mfa-required',
    )!.status
  t.is(statusOf('publickey,password'), 'ok')
  t.is(statusOf('publickey,keyboard-interactive:pam'), 'ok')
  t.is(statusOf('publickey,publickey'), 'fail')
  t.is(statusOf('password,keyboard-interactive'), 'fail')
  t.is(statusOf('hostbased,publickey'), 'fail')
  t.is(statusOf('publickey,password publickey'), 'fail')
  t.is(statusOf('publickey', 'pubkeyauthoptions touch-required,verify-required'), 'ok')
})

test('limits of the source: AllowUsers with hosts, and nothing that lets all of them in', (t) => {
  const by = (lines: string) =>
    factsOf(viewOf({ sshd: sshdOf(`listenaddress 0.0.0.0:22\n${lines}`) })).find(
      ({ check }) => check === 'source-restriction',
    )!.detail.by
  t.is(by('allowusers alice@10.0.0.0/8\nallowusers bob@192.0.2.7'), 'AllowUsers')
  t.is(by('allowusers alice@10.0.0.0/8\nallowusers bob'), null)
  t.is(by('allowusers alice@*'), null)
  t.is(by('allowusers alice@0.0.0.0/0'), null)
  t.is(by('allowgroups people'), null)
  t.is(readSshd('x '.repeat(1_000_000)).size, 0)
})
