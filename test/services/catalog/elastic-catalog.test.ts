import { setTimeout as sleep } from 'node:timers/promises'
import test, { type TestFn } from 'ava'
import { catalogContract } from '#test/contract/catalog.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { elasticProxy } from '#test/helpers/elastic-proxy.ts'
import { openElasticCatalog, ownElastic, refreshAll } from '#test/helpers/open-elastic-catalog.ts'

const searchMs = 3_000
const limitMs = 1_000

onServices(test, ({ elasticsearch: { url } }) => {
  // One after another: each makes indices of its own, which Elasticsearch does one at a time.
  catalogContract(test.serial as TestFn, async (t) => {
    const config = ownElastic(t, url)
    return {
      open: () => openElasticCatalog({ config }),
      openSlow: async () => {
        const slowed = await elasticProxy(t, url, {
          answer: async ({ path }) => {
            if (path.includes('search')) await sleep(searchMs)
            return null
          },
        })
        return openElasticCatalog({ config: { ...config, nodes: [slowed] }, queryTimeoutMs: limitMs })
      },
      settle: () => refreshAll(config),
      inChild: { module: '#test/helpers/open-elastic-catalog.ts', factory: 'openElasticCatalog', options: { config } },
    }
  })
})
