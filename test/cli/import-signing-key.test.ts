import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { Config } from '#services/config.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { rawPublicKey, verifyHead } from '#services/recordings/format/signed-head.ts'
import { eventsOf, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { postTo } from '../../cli/import/post.ts'
import { importRecordings } from '../../cli/import/recording/import-recordings.ts'

test.after.always(closeSharedCatalog)

const file = fileURLToPath(new URL('../fixtures/recordings/s.ttyrec', import.meta.url))
const path = '/api/ingest/signing-keys'
const newKey = (): string => Buffer.from(rawPublicKey(generateKeyPairSync('ed25519').privateKey)).toString('base64')

const importing = (data: string, url: string, token: string, bastion = 'bastion-1') =>
  importRecordings({
    ...{ paths: [file], format: 'ttyrec', given: { user: 'alice' }, bastion, maxBytes: 2 ** 30 },
    who: 'test',
    post: postTo({ url, token }),
    config: Config.parse({ data }),
    log: pino({ level: 'silent' }),
    onProgress: () => undefined,
  })
const place = async (t: ExecutionContext) => {
  const receiver = await serveReceiver(t)
  return { ...receiver, data: join(await temporaryFolder(t), 'data') }
}

test('the key that signed what was imported is among those of its bastion, as that of an import, and verifies it', async (t) => {
  const { url, secrets, bus, agentKeys, data } = await place(t)
  t.like(await importing(data, url, secrets.bastion), { sessions: 1, unchanged: 0, rejected: [] })
  const [key, ...others] = await agentKeys.list('bastion-1')
  t.deepEqual(others, [])
  t.like(key, { purpose: 'import', revokedAt: null })

  const batches = (await recordsOf(bus, 'session-frames')).map(({ value }) => decodeBatchHeader(value))
  const heads = batches.flatMap(({ sessionId, message: { head } }) => (head ? [{ sessionId, head }] : []))
  t.true(heads.length > 0)
  const publicKey = Buffer.from(key!.publicKey, 'base64')
  for (const { sessionId, head } of heads) t.true(verifyHead(publicKey, sessionId, head))
  t.deepEqual([...new Set(heads.map(({ head }) => head.keyId))], [key!.keyId])

  t.like(await importing(data, url, secrets.bastion), { sessions: 1, unchanged: 1 })
  const told = (await eventsOf(bus)).filter(({ kind }) => kind === 'posture')
  t.deepEqual(
    told.map((event) => 'check' in event && [event.check, event.status, event.detail]),
    [['import-signing-key', 'ok', { keyId: key!.keyId }]],
  )
})

test('an import whose key was revoked sends nothing, and says how to go on', async (t) => {
  const { url, secrets, bus, agentKeys, data } = await place(t)
  await importing(data, url, secrets.bastion)
  const [key] = await agentKeys.list('bastion-1')
  await agentKeys.revoke('bastion-1', key!.keyId)
  const before = (await recordsOf(bus, 'session-frames')).length
  await t.throwsAsync(importing(data, url, secrets.bastion), { code: 'BTZ_KEY_INVALID', message: /was revoked/ })
  t.is((await recordsOf(bus, 'session-frames')).length, before)
})

test('a key is registered only by who may write for the bastion', async (t) => {
  const { url, secrets, data, agentKeys, call } = await place(t)
  await t.throwsAsync(importing(data, url, secrets.bastion, 'bastion-2'), { code: 'BTZ_FORBIDDEN' })
  t.deepEqual(await agentKeys.list('bastion-2'), [])
  const analyst = { authorization: `Bearer ${secrets.analyst}` }
  t.is((await call('POST', path, JSON.stringify({ bastion: 'bastion-1', publicKey: newKey() }), analyst)).status, 403)
})

const hostile: [string, unknown][] = [
  ['no JSON', '{'],
  ['no bastion', { publicKey: newKey() }],
  ['a bastion that is a path', { bastion: '../bastion-1', publicKey: newKey() }],
  ['a key of 31 bytes', { bastion: 'bastion-1', publicKey: Buffer.alloc(31).toString('base64') }],
  ['a key of 33 bytes', { bastion: 'bastion-1', publicKey: Buffer.alloc(33).toString('base64') }],
  ['a key that is no base64', { bastion: 'bastion-1', publicKey: '!'.repeat(44) }],
  ['a key of a megabyte', { bastion: 'bastion-1', publicKey: 'A'.repeat(1 << 20) }],
  ['a list', [1]],
  ['depth', '['.repeat(100_000)],
]
test('what is no key is refused, whatever it is', async (t) => {
  const { call, agentKeys } = await serveReceiver(t)
  for (const [what, body] of hostile) {
    const response = await call('POST', path, typeof body === 'string' ? body : JSON.stringify(body))
    t.is(response.status, 400, what)
    await response.body?.cancel()
  }
  t.deepEqual(await agentKeys.list('bastion-1'), [])
})
