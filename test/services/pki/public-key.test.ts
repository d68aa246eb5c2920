import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import test from 'ava'
import { hasCode } from '#services/errors.ts'
import { openAuthority } from '#services/pki/authority.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const inputs = 100_000
const der = (key: { export(options: { type: 'spki'; format: 'der' }): Buffer }) =>
  key.export({ type: 'spki', format: 'der' })
const p256 = der(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey)
const hostile: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['RSA', der(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
  ['P-384', der(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey)],
  ['Ed25519', der(generateKeyPairSync('ed25519').publicKey)],
  ['a point that is not on the curve', Buffer.concat([p256.subarray(0, -1), Buffer.from([p256.at(-1)! ^ 1])])],
  ['half a key', p256.subarray(0, 40)],
  ['a length that is a lie', Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])],
  ['depth', Buffer.from('3080'.repeat(2_000), 'hex')],
  ['PEM', Buffer.from('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')],
]

test('a key that is none of P-256 gets no certificate', async (t) => {
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  for (const [what, bytes] of hostile)
    await t.throwsAsync(
      authority.issueForAgent('b1', bytes.toString('base64'), 1),
      { code: 'BTZ_REQUEST_INVALID' },
      what,
    )
  await t.notThrowsAsync(authority.issueForAgent('b1', p256.toString('base64'), 1))
})

test(`${inputs} broken public keys are refused by name`, async (t) => {
  const seed = fuzzSeed(t.log)
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  // Without its last byte, so that none of them is whole: what is whole costs a run of openssl.
  const cut = [...hostile.map(([, bytes]) => bytes), p256].map((bytes) => bytes.subarray(0, -1))
  const { input } = createMutations(
    cut,
    ['\x30\x80', '\x30\x59', '\x06\x08', '\x03\x42\0\x04', '\xff\xff\xff\xff', '\0'],
    seed,
  )
  let issued = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    try {
      await authority.issueForAgent('b1', bytes.toString('base64'), 1)
      issued++
    } catch (error) {
      if (!hasCode(error, 'BTZ_REQUEST_INVALID')) return t.fail(`seed ${seed}, input ${n}: ${String(error)}`)
    }
  }
  t.log(`${issued} were keys after all`)
  t.true(issued < 100)
})
