import { createHash } from 'node:crypto'
import { chmod, copyFile, link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import { keyStoreContract } from '#test/contract/key-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const clock = { now: () => Date.parse('2026-03-01T00:00:00Z') }
const id = 'session:0197a1b2-0000-7000-8000-000000000001'
const why = { reason: 'asked for', actor: 'dana', at: new Date('2026-03-01T00:00:00Z') }
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const fileOf = (folder: string, text: string, ending = 'key') => {
  const hash = hashOf(text)
  return join(folder, hash.slice(0, 2), hash.slice(2, 4), `${hash}.${ending}`)
}

keyStoreContract(test, async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  return {
    open: () => createFileKeyStore({ folder, clock }),
    swap: (from, to) => copyFile(fileOf(folder, from), fileOf(folder, to)),
  }
})

test('folder, master key and key files can be read by their owner alone, and hold no key in clear', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  const store = await createFileKeyStore({ folder, clock })
  const key = await store.obtain(id)
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777
  t.is(await modeOf(folder), 0o700)
  t.is(await modeOf(join(folder, 'master.key')), 0o600)
  t.is(await modeOf(fileOf(folder, id)), 0o600)
  const text = await readFile(fileOf(folder, id), 'utf8')
  for (const form of ['hex', 'base64', 'base64url'] as const) t.false(text.includes(Buffer.from(key).toString(form)))
  t.like(JSON.parse(text), { v: 1, id, createdAt: '2026-03-01T00:00:00.000Z' })
})

test('a folder or master key that others can reach is refused', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  await createFileKeyStore({ folder, clock })
  for (const [path, mode, proper] of [
    [folder, 0o750, 0o700],
    [folder, 0o701, 0o700],
    [join(folder, 'master.key'), 0o640, 0o600],
    [join(folder, 'master.key'), 0o604, 0o600],
  ] as const) {
    await chmod(path, mode)
    const error = await t.throwsAsync(createFileKeyStore({ folder, clock }), { code: 'BTZ_KEYS_EXPOSED' })
    t.true(error.message.includes(path))
    await chmod(path, proper)
  }
  await t.notThrowsAsync(createFileKeyStore({ folder, clock }))
})

test('a lost master key is not replaced while there are keys it wraps', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  await (await createFileKeyStore({ folder, clock })).obtain(id)
  await rm(join(folder, 'master.key'))
  await t.throwsAsync(createFileKeyStore({ folder, clock }), {
    code: 'BTZ_KEY_INVALID',
    message: /master\.key is missing/,
  })
  await t.throwsAsync(stat(join(folder, 'master.key')), { code: 'ENOENT' })
})

test('a damaged, cut or foreign key file is an error and never a new key', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  await (await createFileKeyStore({ folder, clock })).obtain(id)
  const good = await readFile(fileOf(folder, id), 'utf8')
  const flipped = { ...JSON.parse(good), tag: Buffer.alloc(16).toString('base64') }
  for (const bad of ['', good.slice(0, 40), '{}', JSON.stringify(flipped), good.replace('"v":1', '"v":2')]) {
    await writeFile(fileOf(folder, id), bad)
    const store = await createFileKeyStore({ folder, clock })
    await t.throwsAsync(store.obtain(id), { code: 'BTZ_KEY_INVALID' }, bad)
  }
  const elsewhere = join(await temporaryFolder(t), 'keys')
  await (await createFileKeyStore({ folder: elsewhere, clock })).obtain(id)
  await copyFile(fileOf(elsewhere, id), fileOf(folder, id))
  await t.throwsAsync((await createFileKeyStore({ folder, clock })).get(id), { code: 'BTZ_KEY_INVALID' })
})

test('destroying overwrites the bytes of the key file, removes it, and leaves who did it and why', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  const store = await createFileKeyStore({ folder, clock })
  await store.obtain(id)
  const before = await readFile(fileOf(folder, id))
  await link(fileOf(folder, id), join(folder, 'second-name')) // keeps the bytes reachable after the unlink
  await store.destroy(id, why)
  await t.throwsAsync(stat(fileOf(folder, id)), { code: 'ENOENT' })
  const after = await readFile(join(folder, 'second-name'))
  t.is(after.length, before.length)
  t.is(after.indexOf(before.subarray(20, 60)), -1)
  t.deepEqual(JSON.parse(await readFile(fileOf(folder, id, 'destroyed'), 'utf8')), {
    v: 1,
    id,
    reason: 'asked for',
    actor: 'dana',
    at: '2026-03-01T00:00:00.000Z',
  })
})

test('an erasure cut short by a crash is finished by the next open', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  await (await createFileKeyStore({ folder, clock })).obtain(id)
  // What the disk holds after a kill between the tombstone and the unlink.
  await writeFile(join(folder, '.erasing', hashOf(id)), '')
  await writeFile(fileOf(folder, id, 'destroyed'), '{}')
  const store = await createFileKeyStore({ folder, clock })
  await t.throwsAsync(stat(fileOf(folder, id)), { code: 'ENOENT' })
  t.deepEqual(await readdir(join(folder, '.erasing')), [])
  await t.throwsAsync(store.obtain(id), { code: 'BTZ_KEY_DESTROYED' })
})

test('an erasure that was announced and not begun leaves the key', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  const key = await (await createFileKeyStore({ folder, clock })).obtain(id)
  await writeFile(join(folder, '.erasing', hashOf(id)), '')
  const store = await createFileKeyStore({ folder, clock })
  t.deepEqual(await store.get(id), key)
  t.deepEqual(await readdir(join(folder, '.erasing')), [])
})

test('what another process destroyed is forgotten here within seconds', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  let nowMs = 0
  const store = await createFileKeyStore({ folder, clock: { now: () => nowMs } })
  await store.obtain(id)
  await (await createFileKeyStore({ folder, clock })).destroy(id, why)
  nowMs = 5_001
  await t.throwsAsync(store.get(id), { code: 'BTZ_KEY_DESTROYED' })
})

test('keys keep their identity when many more than the cache holds are in use', async (t) => {
  const folder = join(await temporaryFolder(t), 'keys')
  await mkdir(folder, { mode: 0o700 })
  const store = await createFileKeyStore({ folder, clock })
  const first = await store.obtain(id)
  for (let n = 0; n < 1100; n += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, k) => store.obtain(`bastion:jump:${n + k}`)))
  }
  t.deepEqual(await store.get(id), first)
})
