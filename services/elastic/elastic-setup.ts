import { catalogTemplates } from '../catalog/elastic-mappings.ts'
import { stateTemplates } from '../state/elastic-state-template.ts'
import { connectElastic, type ElasticConfig } from './elastic-client.ts'
import { ensureTemplates, makeIndices, type Templates } from './elastic-templates.ts'

export const allTemplates: Templates = { ...catalogTemplates, ...stateTemplates }

/**
 * Writes the templates of all indices and makes those with fixed names; a month's makes itself with its first event.
 * Idempotent.
 * @throws BTZ_CATALOG_MISCONFIGURED (no right to, or made by a newer version) BTZ_UNAVAILABLE
 */
export const setUpElasticsearch = async (config: ElasticConfig): Promise<void> => {
  const elastic = connectElastic(config)
  try {
    await ensureTemplates(elastic, allTemplates)
    await makeIndices(elastic, allTemplates)
  } finally {
    await elastic.close()
  }
}
