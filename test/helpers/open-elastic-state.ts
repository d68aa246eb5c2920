import type { ElasticConfig } from '#services/elastic/elastic-client.ts'
import { createLogger } from '#services/log.ts'
import { createElasticStateStore } from '#services/state/elastic-state-store.ts'
import type { StateStore } from '#services/state/state-store.ts'

export const openElasticState = (config: ElasticConfig): Promise<StateStore> =>
  createElasticStateStore({ config, log: createLogger('state', 'silent') })
