import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { stateStoreContract } from '#test/contract/state-store.ts'
import { canMount, remountReadOnly, smallDisk } from '#test/helpers/mounted-folder.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

stateStoreContract(test, async (t) => {
  const file = join(await temporaryFolder(t), 'state.db')
  return {
    open: () => createSqliteStateStore({ file }),
    inChild: { module: '#services/state/sqlite-state-store.ts', factory: 'createSqliteStateStore', options: { file } },
  }
})

test('the database and its log can be read by their owner alone', async (t) => {
  const file = join(await temporaryFolder(t), 'state.db')
  const store = await createSqliteStateStore({ file })
  await store.put('a', 1)
  for (const path of [file, `${file}-wal`, `${file}-shm`]) t.is((await stat(path)).mode & 0o777, 0o600, path)
  await store.close()
})

test('more calls at once than the limit are refused, not queued', async (t) => {
  const store = await createSqliteStateStore({ file: join(await temporaryFolder(t), 'state.db') })
  const results = await Promise.allSettled(Array.from({ length: 1100 }, (_, n) => store.get(`a/${n}`)))
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
  t.is(refused.length, 100)
  t.deepEqual([...new Set(refused)], ['BTZ_UNAVAILABLE'])
  t.is(await store.get('a'), null)
  await store.close()
})

test('a file of a newer version is refused and left as it is', async (t) => {
  const file = join(await temporaryFolder(t), 'state.db')
  const newer = new DatabaseSync(file)
  newer.exec('PRAGMA user_version = 999; CREATE TABLE other (x)')
  newer.close()
  await t.throwsAsync(createSqliteStateStore({ file }), { message: /newer version \(schema 999\)/ })
  const after = new DatabaseSync(file)
  t.deepEqual({ ...after.prepare('PRAGMA user_version').get() }, { user_version: 999 })
  after.close()
})

test('a file that is no database is refused', async (t) => {
  const file = join(await temporaryFolder(t), 'state.db')
  await writeFile(file, 'not a database\n'.repeat(100))
  const error = await t.throwsAsync(createSqliteStateStore({ file }), { code: 'BTZ_INTERNAL' })
  t.true(error.message.includes(file))
})

const testWithMount = canMount ? test : test.skip

testWithMount('on a full disk a put is refused, and what stood before stands (needs mount)', async (t) => {
  const file = join(await smallDisk(t, 2 * 1024 * 1024), 'state.db')
  const store = await createSqliteStateStore({ file })
  const kept: string[] = []
  const error = await t.throwsAsync(async () => {
    for (let n = 0; n < 100; n++) {
      await store.put(`a/${n}`, 'x'.repeat(100_000))
      kept.push(`a/${n}`)
    }
  })
  t.like(error, { code: 'BTZ_DISK_FULL' })
  t.true(kept.length > 2)
  for (const key of kept) t.is((await store.get(key))?.value, 'x'.repeat(100_000))
  await store.close()
})

testWithMount('on a read-only disk the store does not open (needs mount)', async (t) => {
  const folder = await smallDisk(t, 2 * 1024 * 1024)
  remountReadOnly(folder)
  await t.throwsAsync(createSqliteStateStore({ file: join(folder, 'state.db') }), { code: 'BTZ_DATA_UNWRITABLE' })
})
