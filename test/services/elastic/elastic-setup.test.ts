import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { connectElastic, type ElasticConfig } from '#services/elastic/elastic-client.ts'
import { inspectElasticsearch, judgeNodes } from '#services/elastic/elastic-inspect.ts'
import { setUpElasticsearch } from '#services/elastic/elastic-setup.ts'
import { ensureTemplates, makeIndices } from '#services/elastic/elastic-templates.ts'
import { createLogger } from '#services/log.ts'
import { event } from '#test/contract/catalog-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { elasticProxy } from '#test/helpers/elastic-proxy.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { openElasticCatalog, ownElastic } from '#test/helpers/open-elastic-catalog.ts'
import { openElasticState } from '#test/helpers/open-elastic-state.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const log = createLogger('setup', 'silent')
const misconfigured = { code: 'BTZ_CATALOG_MISCONFIGURED' }
const denied = { status: 403, body: { error: { type: 'security_exception' } } }

const ask = async <Body>(config: ElasticConfig, method: 'GET' | 'PUT', path: string, body?: object): Promise<Body> => {
  const elastic = connectElastic(config)
  try {
    return (await elastic.request<Body>({ method, path: `/${path}`, ...(body && { body }) })).body
  } finally {
    await elastic.close()
  }
}
type TemplateAnswer = { index_templates: { index_template: Record<string, unknown> }[] }

onServices(test, ({ elasticsearch: { url } }) => {
  test('set up twice, the second time writes nothing', async (t) => {
    const config = ownElastic(t, url)
    await setUpElasticsearch(config, log)
    const written: string[] = []
    const node = await elasticProxy(t, url, {
      answer: ({ method, path }) => {
        if (method === 'PUT' && path.includes('template')) written.push(path)
        return null
      },
    })
    await setUpElasticsearch({ ...config, nodes: [node] }, log)
    t.deepEqual(written, [])
    await setUpElasticsearch({ ...config, nodes: [node], replicas: 1 }, log)
    t.deepEqual(written, [`/_component_template/${config.indexPrefix}-base`])
  })

  test('a field that a template has got comes into the index that is there, whichever template changed', async (t) => {
    const config = ownElastic(t, url)
    const elastic = connectElastic(config)
    t.teardown(() => elastic.close())
    const templates = (fields: string[]) => {
      const properties = Object.fromEntries(fields.map((field) => [field, { type: 'keyword' }]))
      return { first: { properties }, second: { properties } }
    }
    await ensureTemplates(elastic, templates(['old']))
    await makeIndices(elastic, templates(['old']))
    await ensureTemplates(elastic, templates(['old', 'more']))
    const found = await ask<Record<string, { mappings: { properties: object } }>>(
      config,
      'GET',
      `${config.indexPrefix}-*`,
    )
    t.is(Object.keys(found).length, 2)
    for (const { mappings } of Object.values(found))
      t.deepEqual(Object.keys(mappings.properties).sort(), ['more', 'old'])
  })

  test('an index comes with the mapping and settings of its template', async (t) => {
    const config = ownElastic(t, url)
    await setUpElasticsearch(config, log)
    const catalog = await openElasticCatalog({ config })
    await catalog.putEvents([event(0)])
    await catalog.close()
    const name = `${config.indexPrefix}-events-2026.11`
    type Index = Record<
      string,
      { mappings: { dynamic: string; properties: object }; settings: { index: Record<string, unknown> } }
    >
    const { mappings, settings } = (await ask<Index>(config, 'GET', name))[name]!
    t.is(mappings.dynamic, 'false')
    t.like(mappings.properties, { at: { type: 'date' }, user: { type: 'keyword', ignore_above: 8_000 } })
    t.like(settings.index, {
      refresh_interval: '500ms',
      number_of_replicas: '0',
    })
  })

  test('templates or indices of a newer version are refused and left as they are', async (t) => {
    const config = ownElastic(t, url)
    await setUpElasticsearch(config, log)
    const path = `_index_template/${config.indexPrefix}-events`
    const { index_template: template } = (await ask<TemplateAnswer>(config, 'GET', path)).index_templates[0]!
    const newer = { index_patterns: template.index_patterns, priority: 900, _meta: { bartizan: { schema: 99 } } }
    await ask(config, 'PUT', path, newer)
    await t.throwsAsync(openElasticCatalog({ config }), { ...misconfigured, message: /schema 99/ })
    await t.throwsAsync(setUpElasticsearch(config, log), misconfigured)
    const after = (await ask<TemplateAnswer>(config, 'GET', path)).index_templates[0]!
    t.deepEqual(after.index_template._meta, newer._meta)
  })

  test('an index that our templates did not make is refused', async (t) => {
    const config = ownElastic(t, url)
    await ask(config, 'PUT', `${config.indexPrefix}-sessions`, { settings: { number_of_replicas: 0 } })
    await t.throwsAsync(openElasticCatalog({ config }), { ...misconfigured, message: /-sessions was not made by/ })
    await t.notThrowsAsync(async () => (await openElasticState(config)).close())
  })

  test('who may not write templates starts where they are right, and is told where they are not (a proxy denies it)', async (t) => {
    const config = ownElastic(t, url)
    const node = await elasticProxy(t, url, {
      answer: ({ method, path }) => (method === 'PUT' && path.includes('template') ? denied : null),
    })
    const reader = { ...config, nodes: [node] }
    await t.throwsAsync(openElasticCatalog({ config: reader }), { ...misconfigured, message: /we may not write it/ })
    await setUpElasticsearch(config, log)
    await t.notThrowsAsync(async () => (await openElasticCatalog({ config: reader })).close())
  })

  test('who may not even see templates goes by the indices (a proxy denies it)', async (t) => {
    const config = ownElastic(t, url)
    const node = await elasticProxy(t, url, { answer: ({ path }) => (path.includes('template') ? denied : null) })
    const blind = { ...config, nodes: [node] }
    await t.throwsAsync(openElasticCatalog({ config: blind }), { ...misconfigured, message: /cannot be seen/ })
    await setUpElasticsearch(config, log)
    await t.notThrowsAsync(async () => (await openElasticCatalog({ config: blind })).close())
    const findings = await inspectElasticsearch(blind, systemClock)
    t.like(
      findings.find(({ check }) => check === 'elasticsearch templates'),
      { skipped: true },
    )
  })

  test('inspection finds what is missing, and nothing after the set-up', async (t) => {
    const config = ownElastic(t, url)
    const before = await inspectElasticsearch(config, systemClock)
    const templates = before.find(({ check }) => check === 'elasticsearch templates')
    t.false(templates!.ok)
    t.regex(templates!.detail, /-events/)
    await setUpElasticsearch(config, log)
    const after = await inspectElasticsearch(config, systemClock)
    t.deepEqual(
      after.filter(({ check, ok }) => !ok && !/ (disk|health)/.test(check)),
      [],
    )
    t.true(after.some(({ check, detail }) => check === 'elasticsearch version' && /^9\./.test(detail)))
    t.true(after.some(({ check, ok }) => check.startsWith('elasticsearch clock') && ok))
  })

  test('credentials travel with every request and stand in no finding (a proxy looks at them)', async (t) => {
    const folder = await temporaryFolder(t)
    const passwordFile = join(folder, 'password')
    await writeFile(passwordFile, 'hunter2\n', { mode: 0o600 })
    const seen = new Set<string | undefined>()
    const node = await elasticProxy(t, url, {
      answer: ({ authorization }) => {
        seen.add(authorization)
        return { status: 401, body: { error: { type: 'security_exception', reason: 'hunter2' } } }
      },
    })
    const config = { ...ownElastic(t, url), nodes: [node], username: 'ingest', passwordFile }
    const findings = await inspectElasticsearch(config, systemClock)
    t.true(findings.every(({ ok }) => !ok))
    t.notRegex(JSON.stringify(findings), /hunter2/)
    t.deepEqual([...seen], [`Basic ${Buffer.from('ingest:hunter2').toString('base64')}`])
  })
})

test('a cluster that is not there is a finding, and no error', async (t) => {
  const nodes = [`http://127.0.0.1:${await freePort()}`]
  const config = { nodes, indexPrefix: 'nowhere', shards: 1, replicas: 0 }
  for (const { ok, fix } of await inspectElasticsearch(config, systemClock)) t.true(!ok && fix !== undefined)
  const unreadable = { ...config, username: 'u', passwordFile: '/nowhere/password' }
  t.like(await inspectElasticsearch(unreadable, systemClock), [{ check: 'elasticsearch settings', ok: false }])
})

test('a wrong clock and a full disk of a node are findings', (t) => {
  const nodeOf = (name: string, timestamp: number, available_in_bytes: number) => ({
    name,
    timestamp,
    fs: { total: { total_in_bytes: 1_000, available_in_bytes } },
  })
  const findings = judgeNodes([nodeOf('a', 1_000_000, 500), nodeOf('b', 900_000, 149)], 1_000_500)
  t.deepEqual(
    findings.map(({ check, ok }) => [check, ok]),
    [
      ['elasticsearch clock a', true],
      ['elasticsearch disk a', true],
      ['elasticsearch clock b', false],
      ['elasticsearch disk b', false],
    ],
  )
})
