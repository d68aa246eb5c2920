import test, { type TestFn } from 'ava'
import { stateStoreContract } from '#test/contract/state-store.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownElastic } from '#test/helpers/open-elastic-catalog.ts'
import { openElasticState } from '#test/helpers/open-elastic-state.ts'

onServices(test, ({ elasticsearch: { url } }) => {
  stateStoreContract(test.serial as TestFn, async (t) => {
    const config = ownElastic(t, url)
    return {
      open: () => openElasticState(config),
      inChild: { module: '#test/helpers/open-elastic-state.ts', factory: 'openElasticState', options: config },
    }
  })
})
