import test from 'ava'
import { createAsk } from '#services/catalog/elastic-ask.ts'
import { indicesOf } from '#services/catalog/elastic-mappings.ts'
import { readSessions } from '#services/catalog/elastic-read-sessions.ts'
import { connectElastic } from '#services/elastic/elastic-client.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { allPages, ended, sessionRow, update } from '#test/contract/catalog-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openElasticCatalog, ownElastic, refreshAll } from '#test/helpers/open-elastic-catalog.ts'

onServices(test, ({ elasticsearch: { url } }) => {
  test('where a word stands in more sessions than are looked at, pages go on behind them: none is left out', async (t) => {
    const config = ownElastic(t, url)
    const [catalog, elastic] = [await openElasticCatalog({ config }), connectElastic(config)]
    t.teardown(() => Promise.all([catalog.close(), elastic.close()]).then(() => undefined))
    const rows = Array.from({ length: 24 }, (_, n) => {
      const row = sessionRow(Math.floor(n / 3), { user: n === 5 ? 'vimmer' : 'alice' }) // three at a time start together
      return n % 4 === 0 ? row : ended(row, 100)
    })
    const lineOf = (n: number) => (n % 5 === 0 ? 'vim rare' : n % 2 === 0 ? 'vim often' : 'vi rare')
    await Promise.all(rows.map((row, n) => catalog.indexFrames(update(row, [0, 1], [lineOf(n)]))))
    await refreshAll(config)
    const found = async (text: string, looked: number, limit: number) =>
      (
        await allPages((cursor) =>
          readSessions(
            createAsk(elastic, 20_000),
            indicesOf(config.indexPrefix),
            { query: wordsQuery(text), limit, ...(cursor && { cursor }) },
            looked,
          ),
        )
      ).map(({ id }) => id)
    for (const [text, count] of [
      ['vim', 14],
      ['rare', 15],
      ['vim rare', 5],
      ['often rare', 0],
      ['vi', 24],
    ] as const) {
      const all = (await catalog.sessions({ query: wordsQuery(text), limit: 50 })).items.map(({ id }) => id)
      t.is(all.length, count, text)
      for (const [looked, limit] of [
        [2, 50],
        [3, 2],
        [5, 1],
        [7, 4],
      ] as const)
        t.deepEqual(await found(text, looked, limit), all, `${text}: ${looked} looked at, pages of ${limit}`)
    }
    const { total } = await readSessions(
      createAsk(elastic, 20_000),
      indicesOf(config.indexPrefix),
      { query: wordsQuery('vim'), limit: 1 },
      3,
    )
    t.is(total.relation, 'gte')
  })
})
