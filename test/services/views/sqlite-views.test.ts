import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { wordsQuery } from '#services/search/words-query.ts'
import { newId, sessionRow, update } from '#test/contract/catalog-place.ts'
import { screenUpdate, segment, viewsContract } from '#test/contract/views.ts'
import { openSqliteCatalog, sqlitePlace, untilSearched } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

viewsContract(test, sqlitePlace)

test('a word that stood on the screen alone is in no file after its session was erased', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog({ file })
  const words = Array.from({ length: 40 }, (_, n) => `qzw${n}kjx${n * 7}vbq`)
  const row = sessionRow(0)
  await catalog.indexFrames(update(row, [0, 1]))
  for (const [n, word] of words.entries()) {
    const texts = [{ number: n, atMs: n, text: word }]
    const more = { segments: [segment(n, { init: word })], texts, state: JSON.stringify({ words }) }
    await catalog.indexScreen(screenUpdate(row.id, [n, n + 1], more))
    await catalog.indexScreen(screenUpdate(newId(), [0, 1], { texts: [{ number: 0, atMs: n, text: `plain ${n}` }] }))
  }
  const held = async () => Buffer.concat(await Promise.all([file, `${file}-wal`].map((path) => readFile(path))))
  t.true(words.every(Boolean) && (await held()).includes(words[7]!))
  await catalog.eraseSession(row.id)
  await catalog.expunge()
  const bytes = await held()
  for (const word of words) for (const part of [word, word.slice(0, 6)]) t.false(bytes.includes(part), part)
  await catalog.close()
})

test('a catalog of the schema before views: its rows are found as they were, and views come beside them', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const fixture = new URL('../../fixtures/catalog/schema-6.db.gz', import.meta.url)
  await writeFile(file, gunzipSync(await readFile(fixture)), { mode: 0o600 })
  const catalog = await openSqliteCatalog({ file })
  t.teardown(() => catalog.close())
  const { items } = await catalog.sessions({ limit: 10 })
  t.deepEqual(
    items.map(({ state, commandCount, evidence }) => [state, commandCount, evidence]),
    [
      ['open', 1, 'erasing'],
      ['complete', 2, 'pending'],
    ],
  )
  const [erasing, stays] = [items[0]!.id, items[1]!.id]
  t.is(await catalog.segments(stays), null)
  await catalog.indexScreen(screenUpdate(stays, [0, 1], { segments: [segment(0)] }))
  await catalog.indexScreen(screenUpdate(erasing, [0, 1], { segments: [segment(0)] }))
  t.is((await catalog.segments(stays))?.segments.length, 1)
  t.is(await catalog.segments(erasing), null, 'it was being erased')
  await untilSearched(catalog)
  const { total } = await catalog.search({ query: wordsQuery('motd'), in: ['commands'], limit: 1 })
  t.is(total.value, 1)
})
