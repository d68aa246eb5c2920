import test, { type TestFn } from 'ava'
import { viewsContract } from '#test/contract/views.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openElasticCatalog, ownElastic, refreshAll } from '#test/helpers/open-elastic-catalog.ts'

onServices(test, ({ elasticsearch: { url } }) => {
  // One after another: each makes indices of its own, which Elasticsearch does one at a time.
  viewsContract(test.serial as TestFn, async (t) => {
    const config = ownElastic(t, url)
    return {
      open: () => openElasticCatalog({ config }),
      openSlow: () => openElasticCatalog({ config }),
      settle: () => refreshAll(config),
      inChild: { module: '#test/helpers/open-elastic-catalog.ts', factory: 'openElasticCatalog', options: { config } },
    }
  })
})
