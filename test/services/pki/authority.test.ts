import { X509Certificate } from 'node:crypto'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bastionOf } from '#services/pki/agent-name.ts'
import { openAuthority } from '#services/pki/authority.ts'
import { keepServerCertificate } from '#services/pki/server-certificate.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { newAgentKey } from '#test/helpers/tls-receiver.ts'

const dayMs = 24 * 3_600_000
const clockAt = (offsetMs: number) => ({ now: () => Date.now() + offsetMs })

test('of several processes that start at once one makes the authority, for its owner only', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys', 'pki')
  const all = await Promise.all([1, 2, 3].map(() => openAuthority(folder)))
  t.is(new Set(all.map(({ sha256 }) => sha256)).size, 1)
  t.is((await stat(join(folder, 'ca.pem'))).mode & 0o777, 0o600)
  t.is((await stat(folder)).mode & 0o777, 0o700)
  t.notRegex(all[0]!.certificate, /PRIVATE/)
  const ca = new X509Certificate(all[0]!.certificate)
  t.true(ca.ca)
  t.true(ca.verify(ca.publicKey))
})

test('an authority that others can read, or that is damaged, is not used and not replaced', async (t) => {
  const folder = join(await temporaryFolder(t), 'pki')
  await openAuthority(folder)
  const file = join(folder, 'ca.pem')
  await chmod(file, 0o640)
  await t.throwsAsync(openAuthority(folder), { code: 'BTZ_KEYS_EXPOSED' })
  await chmod(file, 0o600)
  await writeFile(file, 'cut short')
  await t.throwsAsync(openAuthority(folder), { code: 'BTZ_KEY_INVALID' })
  t.is(await readFile(file, 'utf8'), 'cut short')
})

test('a certificate of an agent names its bastion, however long, and can vouch for nobody else', async (t) => {
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  const bastion = `b${'x'.repeat(200)}.example_net`
  const certificate = new X509Certificate(await authority.issueForAgent(bastion, newAgentKey().publicKey, 30))
  t.is(bastionOf(certificate), bastion)
  t.false(certificate.ca)
  t.true(certificate.verify(new X509Certificate(authority.certificate).publicKey))
  for (const name of ['b1,DNS:evil', 'b1\nsubjectAltName=x', ''])
    await t.throwsAsync(authority.issueForAgent(name, newAgentKey().publicKey, 30))
  const server = await authority.issueForServer(['localhost'], 30)
  t.is(bastionOf(new X509Certificate(server.certificate)), null)
})

test("the receiver's certificate is kept, and renewed a month before its end or for other names", async (t) => {
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  const keep = (names: string[], offsetMs: number) =>
    keepServerCertificate({ authority, names, clock: clockAt(offsetMs) })
  const first = await keep(['localhost', '127.0.0.1', '::1'], 0)
  t.true(first.isNew)
  const parsed = new X509Certificate(first.certificate)
  t.deepEqual(
    [parsed.checkHost('localhost'), parsed.checkIP('127.0.0.1'), parsed.checkIP('::1')],
    ['localhost', '127.0.0.1', '::1'],
  )
  t.is((await keep(['localhost', '127.0.0.1', '::1'], 59 * dayMs)).certificate, first.certificate)
  t.true((await keep(['localhost', '127.0.0.1', '::1'], 61 * dayMs)).isNew)
  t.true((await keep(['other.example'], 0)).isNew)
})
