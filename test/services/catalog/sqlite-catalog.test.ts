import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import type { SessionRow } from '#services/catalog/catalog.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { catalogContract } from '#test/contract/catalog.ts'
import { event, sessionRow, update } from '#test/contract/catalog-place.ts'
import { canMount, smallDisk } from '#test/helpers/mounted-folder.ts'
import { openSqliteCatalog, sqlitePlace } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

catalogContract(test, sqlitePlace)

test('the database and its log can be read by their owner alone', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog({ file })
  await catalog.putEvents([event(0)])
  for (const path of [file, `${file}-wal`, `${file}-shm`]) t.is((await stat(path)).mode & 0o777, 0o600, path)
  await catalog.close()
})

test('of an erased session no byte stays in the files, whatever was rewritten and merged before', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog({ file })
  const words = Array.from({ length: 60 }, (_, n) => `qzw${n}kjx${n * 7}vbq`)
  const row = sessionRow(0)
  for (const [n, word] of words.entries()) {
    await catalog.indexFrames({ ...update(row, [n, n + 1], [word], n), progress: JSON.stringify({ words }) })
    await catalog.indexFrames(update(sessionRow(n), [0, 1], [`plain command ${n}`]))
    await catalog.putEvents([event(n, { kind: 'command', sessionId: row.id, argv: [word], line: word })])
  }
  const held = async () => Buffer.concat(await Promise.all([file, `${file}-wal`].map((path) => readFile(path))))
  t.true((await held()).includes(words[0]!))
  await catalog.eraseSession(row.id)
  await catalog.expunge()
  const bytes = await held()
  t.deepEqual(
    words.filter((word) => bytes.includes(word)),
    [],
  )
  const database = new DatabaseSync(file)
  for (const table of ['command_text', 'event_text'])
    database.exec(`CREATE VIRTUAL TABLE temp.${table}_terms USING fts5vocab(main, ${table}, row)`)
  const terms = database.prepare(
    'SELECT term FROM command_text_terms WHERE term LIKE ? UNION SELECT term FROM event_text_terms WHERE term LIKE ?',
  )
  t.deepEqual(terms.all('%qzw%', '%qzw%'), [])
  t.true(terms.all('%pla%', '%pla%').length > 0)
  database.close()
  t.is((await catalog.commands(row.id, { limit: 10 })).total.value, 0)
  await catalog.close()
})

test('a catalog of a newer version is refused and left as it is', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const newer = new DatabaseSync(file)
  newer.exec('PRAGMA user_version = 999; CREATE TABLE other (x)')
  newer.close()
  await t.throwsAsync(openSqliteCatalog({ file }), { message: /newer version \(schema 999\)/ })
  const after = new DatabaseSync(file)
  t.deepEqual({ ...after.prepare('PRAGMA user_version').get() }, { user_version: 999 })
  after.close()
})

test('a file that is no database is refused', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  await writeFile(file, 'not a database\n'.repeat(100))
  const error = await t.throwsAsync(openSqliteCatalog({ file }), { code: 'BTZ_INTERNAL' })
  t.true(error.message.includes(file))
})

test('writes beyond the limit of the queue are refused, not held', async (t) => {
  const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
  const results = await Promise.allSettled(Array.from({ length: 5_000 }, (_, n) => catalog.markSealed(`s${n}`, 'm')))
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
  t.is(refused.length, 5_000 - 4_096)
  t.deepEqual([...new Set(refused)], ['BTZ_UNAVAILABLE'])
  await catalog.close()
})

test('a write that cannot be is refused alone: those of the same transaction stand', async (t) => {
  const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
  const [before, wrong, after] = [sessionRow(0), sessionRow(1, { startedAt: 'no time' }), sessionRow(2)]
  const results = await Promise.allSettled(
    [before, wrong, after].map((row) => catalog.indexFrames(update(row, [0, 1], ['distinctive words']))),
  )
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  t.is(await catalog.session(wrong.id), null)
  t.is((await catalog.search({ query: wordsQuery('distinctive'), in: ['commands'], limit: 10 })).total.value, 2)
  await catalog.close()
})

const testWithMount = canMount ? test : test.skip

testWithMount('on a full disk writes are refused, and what was acknowledged stands (needs mount)', async (t) => {
  const file = join(await smallDisk(t, 4 * 1024 * 1024), 'catalog.db')
  const catalog = await openSqliteCatalog({ file })
  const kept: SessionRow['id'][] = []
  const error = await t.throwsAsync(async () => {
    for (let n = 0; n < 2_000; n++) {
      const row = sessionRow(n)
      await catalog.indexFrames({ ...update(row, [0, 1]), progress: `"${'x'.repeat(20_000)}"` })
      kept.push(row.id)
    }
  })
  t.like(error, { code: 'BTZ_DISK_FULL' })
  t.true(kept.length > 2)
  for (const id of kept) t.is((await catalog.session(id))?.id, id)
  await catalog.close()
})
