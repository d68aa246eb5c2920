import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext, type Implementation } from 'ava'
import { factsOf } from '#hooks/posture/checks.ts'
import { isRestricted, readAuthorizedKeys } from '#hooks/posture/read/authorized-keys.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { dayMs, keysOf, nowMs, viewOf } from './views.ts'

const keygen = (...args: string[]): string => execFileSync('ssh-keygen', args, { encoding: 'utf8' })
const withKeygen = (title: string, body: Implementation<[]>) => realTest(test, ['ssh-keygen'], title, body)

/** A public key made by ssh-keygen, as it stands in authorized_keys. */
const makeKey = async (t: ExecutionContext, comment: string, ...args: string[]): Promise<string> => {
  const file = join(await temporaryFolder(t), 'key')
  keygen('-q', '-N', '', '-C', comment, '-f', file, ...args)
  return (await readFile(`${file}.pub`, 'utf8')).trim()
}
const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
const skType = 'sk-ssh-ed25519@openssh.com'
/** A key of a token, without the token: the public half has no secret in it. */
const tokenKey = `${skType} ${Buffer.concat([field(Buffer.from(skType)), field(Buffer.alloc(32, 7)), field(Buffer.from('ssh:'))]).toString('base64')}`

withKeygen('length and fingerprint of every type of key are those that ssh-keygen tells', async (t) => {
  const made = await Promise.all([
    makeKey(t, 'a@x', '-t', 'ed25519'),
    makeKey(t, 'b@x', '-t', 'rsa', '-b', '1024'),
    makeKey(t, 'c@x', '-t', 'rsa', '-b', '2048'),
    makeKey(t, 'd@x', '-t', 'ecdsa', '-b', '521'),
  ])
  const text = [...made, `${tokenKey} e@x`].join('\n')
  const file = join(await temporaryFolder(t), 'authorized_keys')
  await writeFile(file, text)
  const told = keygen('-l', '-f', file).trim().split('\n')
  const { keys, linesNotUnderstood } = readAuthorizedKeys(text)
  t.is(linesNotUnderstood, 0)
  t.deepEqual(
    keys.map(({ bits, fingerprint }) => `${bits} ${fingerprint}`),
    told.map((line) => line.split(' ').slice(0, 2).join(' ')),
  )
  t.deepEqual(
    keys.map(({ owner }) => owner),
    ['a', 'b', 'c', 'd', 'e'],
  )
})

withKeygen('a certificate counts as the key in it', async (t) => {
  const folder = await temporaryFolder(t)
  for (const name of ['ca', 'user']) keygen('-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name))
  keygen('-q', '-s', join(folder, 'ca'), '-I', 'alice', '-n', 'alice', join(folder, 'user.pub'))
  const [plain, certificate] = await Promise.all(
    ['user.pub', 'user-cert.pub'].map((name) => readFile(join(folder, name), 'utf8')),
  )
  const [key] = readAuthorizedKeys(plain!).keys
  const [inside] = readAuthorizedKeys(certificate!).keys
  t.is(inside!.fingerprint, key!.fingerprint)
  t.deepEqual([key!.isCertificate, inside!.isCertificate], [false, true])
})

withKeygen('options are told from keys, with quotes, blanks and commas in them', async (t) => {
  const key = await makeKey(t, 'alice@laptop', '-t', 'ed25519')
  const { keys, linesNotUnderstood } = readAuthorizedKeys(
    [
      '# a comment',
      `from="10.0.0.0/8,192.0.2.1",command="echo \\"a, b\\" ssh-rsa",no-pty ${key}`,
      `restrict,cert-authority ${key}`,
      `from="*" ${key}`,
      `command="from=\\"1.2.3.4\\"" ${key}`,
      'ssh-ed25519 AAAA broken',
      'no key at all',
    ].join('\r\n'),
  )
  t.deepEqual(keys.map(isRestricted), [true, false, false, false])
  t.is(keys[0]!.from, '10.0.0.0/8,192.0.2.1')
  t.deepEqual(
    keys.map(({ isAuthority }) => isAuthority),
    [false, true, false, false],
  )
  t.is(linesNotUnderstood, 2)
})

withKeygen(
  'several people on one account, one key on several accounts, weak keys and old ones are told by person',
  async (t) => {
    const [alice, bob, weak] = await Promise.all([
      makeKey(t, 'alice@laptop', '-t', 'ed25519'),
      makeKey(t, 'bob@desk', '-t', 'ed25519'),
      makeKey(t, 'carol@old', '-t', 'rsa', '-b', '1024'),
    ])
    const keys = keysOf({ deploy: `${alice}\n${bob}`, alice, carol: weak })
    const firstSeenMs = (what: string) => (what.startsWith('key carol ') ? nowMs - 400 * dayMs : nowMs - 10 * dayMs)
    const facts = factsOf(viewOf({ keys, firstSeenMs }))
    const of = (check: string) => facts.filter((fact) => fact.check === check)
    t.like(of('shared-account'), [{ status: 'fail', user: 'deploy', detail: { owners: ['alice', 'bob'] } }])
    t.is(of('shared-account').length, 1)
    t.like(of('shared-key')[0], { status: 'fail', detail: { keys: [{ users: ['deploy', 'alice'] }] } })
    t.like(of('key-strength'), [{ status: 'fail', user: 'carol', detail: { keys: [{ type: 'ssh-rsa', bits: 1024 }] } }])
    t.like(of('credential-age'), [{ status: 'fail', user: 'carol', detail: { oldestDays: 400 } }])
    t.true(facts.filter(({ status }) => status !== 'ok').every(({ fix }) => fix !== undefined && !fix.includes('\n')))
  },
)

withKeygen('a key is as old as its file at least, and no younger for a file that was touched', async (t) => {
  const key = await makeKey(t, 'alice@laptop', '-t', 'ed25519')
  const agesOf = (changedDaysAgo: number, seenDaysAgo: number | null) =>
    factsOf(
      viewOf({
        keys: keysOf({ alice: key }, nowMs - changedDaysAgo * dayMs),
        firstSeenMs: () => (seenDaysAgo === null ? null : nowMs - seenDaysAgo * dayMs),
      }),
    ).find(({ check }) => check === 'credential-age')!.detail.oldestDays
  t.is(agesOf(500, null), 500)
  t.is(agesOf(0, 500), 500)
  t.is(agesOf(-3, 10), undefined)
})
