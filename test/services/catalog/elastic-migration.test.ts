import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { Catalog } from '#services/catalog/catalog.ts'
import { sendBulk } from '#services/elastic/elastic-bulk.ts'
import { connectElastic, type ElasticConfig } from '#services/elastic/elastic-client.ts'
import { setUpElasticsearch } from '#services/elastic/elastic-setup.ts'
import { createLogger } from '#services/log.ts'
import { SessionId } from '#services/schema/ids.ts'
import { searchKinds } from '#services/schema/search-query.ts'
import { parseQuery } from '#services/search/parse-query.ts'
import { epochMs, event, update } from '#test/contract/catalog-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { elasticProxy } from '#test/helpers/elastic-proxy.ts'
import { openElasticCatalog, ownElastic, refreshAll } from '#test/helpers/open-elastic-catalog.ts'

const fixture = new URL('../../fixtures/catalog/elastic-1.ndjson.gz', import.meta.url)
const openId = SessionId.parse('01a20000-0000-7000-8000-000000000001')
const endedId = SessionId.parse('01a20000-0000-7000-8000-000000000002')
const log = createLogger('setup', 'silent')
type Written = { index: string; id: string; version: number; source: object }

const parsed = (text: string) => parseQuery(text, { nowMs: epochMs, tz: 'UTC' })
const found = async (catalog: Catalog, text: string): Promise<string[]> => {
  const { items, total } = await catalog.search({ query: parsed(text), in: [...searchKinds], limit: 100 })
  if (total.value !== items.length) throw new Error(`${items.length} of ${total.value}`)
  return items.map(({ snippet }) => snippet.split('\n')[0]!).sort()
}
const usersFound = async (catalog: Catalog, text: string): Promise<string[]> =>
  (await catalog.sessions({ query: parsed(text), limit: 10 })).items.map(({ user }) => user)

onServices(test, ({ elasticsearch: { url } }) => {
  const taken = async (t: ExecutionContext<unknown>): Promise<{ catalog: Catalog; config: ElasticConfig }> => {
    const config = ownElastic(t, url)
    const catalog = await openElasticCatalog({ config })
    t.teardown(() => catalog.close())
    const lines = gunzipSync(await readFile(fixture))
      .toString('utf8')
      .split('\n')
    const items = lines.map((line) => {
      const { index, id: _id, version, source } = JSON.parse(line) as Written
      const action = { _index: `${config.indexPrefix}-${index}`, _id, version, version_type: 'external' }
      return `${JSON.stringify({ index: action })}\n${JSON.stringify(source)}\n`
    })
    const elastic = connectElastic(config)
    await sendBulk(elastic, items)
    await elastic.close()
    await refreshAll(config)
    return { catalog, config }
  }

  // One after another: each makes indices of its own, which Elasticsearch does one at a time.
  test.serial(
    'documents of an older version: searches for a text say that set-up has to make them anew, and it does, and they are like any other',
    async (t) => {
      const { catalog, config } = await taken(t)
      const unavailable = { code: 'BTZ_UNAVAILABLE', message: /older version/ }
      await t.throwsAsync(found(catalog, 'shadow'), unavailable)
      await t.throwsAsync(usersFound(catalog, 'shadow'), unavailable)
      await t.throwsAsync(catalog.events({ text: 'alice', limit: 1 }), unavailable)
      await t.throwsAsync(catalog.alerts({ text: 'alice', limit: 1 }), unavailable)
      await t.throwsAsync(catalog.hitRows({ query: parsed('user:rose'), in: [...searchKinds], limit: 5 }), unavailable)
      t.deepEqual(await usersFound(catalog, 'user:rose'), ['rose'])
      t.is((await catalog.commands(endedId, { limit: 10 })).total.value, 3)

      await setUpElasticsearch(config, log)
      await refreshAll(config)
      t.deepEqual(await found(catalog, 'shadow'), ['cat /etc/shadow'])
      t.deepEqual(await found(catalog, 'cmd:"systemctl restart o"'), ['sudo systemctl restart old-nginx'])
      t.deepEqual(await found(catalog, 'cmd:"systemctl old"'), [])
      t.deepEqual(await found(catalog, 'sha*'), ['cat /etc/shadow'])
      t.deepEqual(await found(catalog, 'hadow*'), [])
      t.deepEqual(await found(catalog, 'cmd:"l -l"'), ['l -la'])
      t.deepEqual(await found(catalog, 'screen:"n denied (pub"'), ['permission denied (publickey)'])
      t.is((await found(catalog, 'event:"night sh"')).length, 1)
      t.deepEqual(await usersFound(catalog, '"attach -t night"'), ['rose'])
      t.deepEqual(await usersFound(catalog, 'prim*'), ['quentin'])
      t.is((await catalog.alerts({ text: 'network (old)', limit: 5 })).items.length, 1)
      t.is((await catalog.events({ text: 'night', limit: 5 })).items[0]?.id, 'an-old-event')

      const told = await catalog.hitRows({ query: parsed('user:quentin'), in: [...searchKinds], limit: 10 })
      t.is(told.rows.length, 4)
      t.true(told.rows.every(({ sessionId, bastion }) => sessionId === endedId && bastion === 'bastion-1'))
      const before = (await catalog.session(openId))!
      await catalog.markLate([openId], true)
      t.is((await catalog.session(openId))?.state, 'late')
      await catalog.indexFrames(update({ ...before, user: 'rosa' }, [2, 3], ['a new line', 'a newer line'], 1))
      await refreshAll(config)
      t.deepEqual(await usersFound(catalog, '"a newer l"'), ['rosa'])
      t.deepEqual(await found(catalog, 'old-nginx'), [])
      t.is((await catalog.commands(openId, { limit: 10 })).total.value, 3)
      t.true((await catalog.eraseSession(endedId)) > 0)
      t.is(await catalog.eraseSession(endedId), 0)
      await refreshAll(config)
      t.deepEqual(await found(catalog, 'shadow'), [])
      t.deepEqual(await usersFound(catalog, 'bash'), [])
    },
  )

  test.serial('what is written or deleted while set-up makes documents anew stays so', async (t) => {
    const { catalog, config } = await taken(t)
    let isFirst = true
    const during = async (): Promise<void> => {
      await catalog.eraseSession(endedId)
      await catalog.indexFrames(update((await catalog.session(openId))!, [2, 3], ['sudo another'], 1))
      await catalog.putEvents([event(0)])
    }
    const node = await elasticProxy(t, url, {
      answer: async ({ path }) => {
        if (isFirst && path.includes('_bulk')) {
          isFirst = false
          await during()
        }
        return null
      },
    })
    await setUpElasticsearch({ ...config, nodes: [node] }, log)
    await refreshAll(config)
    t.false(isFirst)
    t.deepEqual(await found(catalog, 'shadow'), [])
    t.deepEqual(await found(catalog, 'cmd:sudo'), ['sudo another'])
    t.is((await catalog.events({ text: 'alice', limit: 5 })).items.length, 2)
    t.is(await catalog.eraseSession(endedId), 0)
  })
})
