import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import test from 'ava'
import { openAuthority } from '#services/pki/authority.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { newAgentKey } from '#test/helpers/tls-receiver.ts'
import { isDue } from '../../cli/renew-certificate.ts'

const dayMs = 24 * 3_600_000

test('an agent renews its certificate after two thirds of its time', async (t) => {
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  const certificate = new X509Certificate(await authority.issueForAgent('b1', newAgentKey().publicKey, 30))
  const fromMs = certificate.validFromDate.getTime()
  t.deepEqual(
    [0, 19, 21, 40].map((days) => isDue(certificate, fromMs + days * dayMs)),
    [false, false, true, true],
  )
})
