import { existsSync } from 'node:fs'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { fileSystemMs } from '#services/backup/key-folder.ts'
import { systemClock } from '#services/clock.ts'
import { actKeyOf } from '#services/custody/act-format.ts'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import { obtainLogSigner } from '#services/keys/log-key.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { bytesOf, erasureOf, evidenceOf, keyPlace, restoreInto, session, why } from './key-place.ts'

const openAt = (folder: string) => createFileKeyStore({ folder, clock: systemClock })
const marginMs = 60_000

test('keys, tombstones, the key of the log and the authority come back into an empty folder', async (t) => {
  const place = await keyPlace(t)
  const [first, second] = [await place.keys.obtain(session(1)), await place.keys.obtain('bastion:jump1:2026-03-01')]
  await place.keys.obtain(session(3))
  await place.keys.destroy(session(3), why)
  await mkdir(join(place.folder, 'pki'))
  await writeFile(join(place.folder, 'pki', 'ca.pem'), 'an authority', { mode: 0o600 })
  const { file, made } = await place.backup()
  t.like(made, { keys: 2, destroyed: 1, damaged: [], after: null, files: ['master.key', 'log.key', 'pki/ca.pem'] })
  t.is((await stat(file)).mode & 0o777, 0o600)

  const folder = join(await temporaryFolder(t), 'new', 'keys')
  const dry = await restoreInto(folder, [file], { dryRun: true })
  t.like(dry, { restored: 2, masterKey: 'there', files: ['master.key', 'log.key', 'pki/ca.pem'] })
  t.false(existsSync(folder), 'a dry run makes nothing')
  const done = await restoreInto(folder, [file])
  t.like(done, { restored: 2, present: 0, tombstones: 1, destroyed: [], conflicts: [] })
  const store = await openAt(folder)
  t.deepEqual(await store.get(session(1)), first)
  t.deepEqual(await store.get('bastion:jump1:2026-03-01'), second)
  await t.throwsAsync(store.obtain(session(3)), { code: 'BTZ_KEY_DESTROYED' })
  for (const name of ['master.key', 'log.key', 'pki/ca.pem'])
    t.deepEqual(await bytesOf(folder, name), await bytesOf(place.folder, name))
  t.like(await restoreInto(folder, [file]), { restored: 0, present: 2, tombstones: 0, conflicts: [] }, 'once more')
})

test('an incremental backup holds what came since, and is no use without those before it', async (t) => {
  const place = await keyPlace(t)
  await place.keys.obtain(session(1))
  await place.keys.obtain(session(2))
  const full = await place.backup()
  const sinceMs = Math.ceil(await fileSystemMs(place.folder)) + 1
  while ((await fileSystemMs(place.folder)) <= sinceMs) await pause(2)
  await place.keys.obtain(session(3))
  await place.keys.destroy(session(1), why)
  const more = await place.backup({ ...full.header, createdAt: new Date(sinceMs + marginMs).toISOString() }, false)
  t.like(more.made, { keys: 1, destroyed: 1, files: ['log.key'], after: full.header.id })

  const folder = join(await temporaryFolder(t), 'keys')
  await t.throwsAsync(restoreInto(folder, [more.file]), { code: 'BTZ_REQUEST_INVALID', message: /goes on from backup/ })
  t.false(existsSync(folder))
  const done = await restoreInto(folder, [more.file, full.file])
  t.like(done, { backups: 2, restored: 2, tombstones: 1, destroyed: [{ id: session(1), by: 'tombstone' }] })
  const store = await openAt(folder)
  t.deepEqual(await store.get(session(3)), await place.keys.get(session(3)))
  await t.throwsAsync(store.get(session(1)), { code: 'BTZ_KEY_DESTROYED' })
})

test('a key that was destroyed after the backup does not come back, where its tombstone stands', async (t) => {
  const place = await keyPlace(t)
  const kept = await place.keys.obtain(session(2))
  await place.keys.obtain(session(1))
  const { file } = await place.backup()
  await place.keys.destroy(session(1), why)
  await rm(join(place.folder, '.partial'), { recursive: true })
  const done = await restoreInto(place.folder, [file])
  t.like(done, { restored: 0, present: 1, destroyed: [{ id: session(1), by: 'tombstone' }] })
  const store = await openAt(place.folder)
  await t.throwsAsync(store.get(session(1)), { code: 'BTZ_KEY_DESTROYED' })
  t.deepEqual(await store.get(session(2)), kept)
})

test('a key whose erasure stands signed in evidence does not come back either; an act that others signed counts for nothing', async (t) => {
  const place = await keyPlace(t)
  for (const n of [1, 2]) await place.keys.obtain(session(n))
  const { file } = await place.backup()
  const other = await obtainLogSigner(await temporaryFolder(t))
  const forged = erasureOf(session(2))
  const evidence = evidenceOf([
    { act: erasureOf(session(1)), signer: place.log },
    { act: forged, signer: other },
  ])
  const folder = join(await temporaryFolder(t), 'keys')
  const done = await restoreInto(folder, [file], { evidence })
  t.like(done, { restored: 1, destroyed: [{ id: session(1), by: 'act' }], unproven: [actKeyOf(forged)], tombstones: 1 })
  const store = await openAt(folder)
  await t.throwsAsync(store.obtain(session(1)), { code: 'BTZ_KEY_DESTROYED' })
  t.is((await store.get(session(2))).length, 32)
})

test('a folder with another master key, or another key of the log, is left as it is', async (t) => {
  const [place, other] = [await keyPlace(t), await keyPlace(t)]
  await place.keys.obtain(session(1))
  const [full, without] = [await place.backup(), await place.backup(null, false)]
  await rm(join(other.folder, 'log.key'))
  for (const { file } of [full, without])
    await t.throwsAsync(restoreInto(other.folder, [file]), { message: /master.key|another master key/ })
  await t.throwsAsync(other.keys.get(session(1)), { code: 'BTZ_KEY_NOT_FOUND' })
  t.false(existsSync(join(other.folder, 'log.key')))
})

test('without the master key a restore says that it is missing, and the product does not start with another', async (t) => {
  const place = await keyPlace(t)
  const key = await place.keys.obtain(session(1))
  const { file, made } = await place.backup(null, false)
  t.deepEqual(made.files, ['log.key'])
  const folder = join(await temporaryFolder(t), 'keys')
  t.like(await restoreInto(folder, [file]), { restored: 1, masterKey: 'missing' })
  await t.throwsAsync(openAt(folder), { code: 'BTZ_KEY_INVALID', message: /master.key is missing/ })
  await writeFile(join(folder, 'master.key'), await bytesOf(place.folder, 'master.key'), { mode: 0o600 })
  t.deepEqual(await (await openAt(folder)).get(session(1)), key)
})

test('a damaged key file is named and left out, and the rest is in the backup', async (t) => {
  const place = await keyPlace(t)
  for (const n of [1, 2]) await place.keys.obtain(session(n))
  const { made } = await place.backup()
  t.deepEqual(made.damaged, [])
  const name = '57b1d1a0b1d6f6f2'.padEnd(64, '0')
  await mkdir(join(place.folder, name.slice(0, 2), name.slice(2, 4)), { recursive: true })
  await writeFile(join(place.folder, name.slice(0, 2), name.slice(2, 4), `${name}.key`), '{"id":"session:x"}')
  t.like((await place.backup()).made, { keys: 2, damaged: [`${name}.key`] })
})
