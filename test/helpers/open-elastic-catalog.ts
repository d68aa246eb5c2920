import type { ExecutionContext } from 'ava'
import type { Catalog } from '#services/catalog/catalog.ts'
import { createElasticCatalog } from '#services/catalog/elastic-catalog.ts'
import { systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { connectElastic, type ElasticConfig } from '#services/elastic/elastic-client.ts'
import { createLogger } from '#services/log.ts'
import type { Views } from '#services/views/views.ts'
import { ownName } from './cluster.ts'

/** A prefix of the test's own on a single node; all under it is deleted at the end. */
export const ownElastic = (t: ExecutionContext<unknown>, url: string): ElasticConfig => {
  const config = Config.parse({ elasticsearch: { nodes: [url], indexPrefix: ownName(), replicas: 0 } }).elasticsearch
  t.teardown(() => removeAll(config))
  return config
}

const removeAll = async (config: ElasticConfig): Promise<void> => {
  const elastic = connectElastic(config)
  const remove = (path: string) => elastic.request({ method: 'DELETE', path, accept: [404] })
  const { body } = await elastic.request<Record<string, object>>({ method: 'GET', path: `/${config.indexPrefix}-*` })
  const names = Object.keys(body)
  if (names.length > 0) await remove(`/${names.join(',')}`) // a wildcard would be refused
  await remove(`/_index_template/${config.indexPrefix}-*`)
  await remove(`/_component_template/${config.indexPrefix}-*`)
  await elastic.close()
}

export const refreshAll = async (config: ElasticConfig): Promise<void> => {
  const elastic = connectElastic(config)
  await elastic.request({ method: 'POST', path: `/${config.indexPrefix}-*/_refresh` })
  await elastic.close()
}

/** Options that can be passed to a child process. */
export type OpenElasticCatalog = { config: ElasticConfig; queryTimeoutMs?: number }

export const openElasticCatalog = (options: OpenElasticCatalog): Promise<Catalog & Views> =>
  createElasticCatalog({
    queryTimeoutMs: 20_000,
    ...options,
    clock: systemClock,
    log: createLogger('catalog', 'silent'),
  })
