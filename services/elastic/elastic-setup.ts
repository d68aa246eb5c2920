import { catalogTemplates, indicesOf } from '../catalog/elastic-mappings.ts'
import { rebuildTexts } from '../catalog/elastic-text-rebuild.ts'
import type { Logger } from '../log.ts'
import { stateTemplates } from '../state/elastic-state-template.ts'
import { connectElastic, type ElasticConfig } from './elastic-client.ts'
import { ensureTemplates, makeIndices, type Templates } from './elastic-templates.ts'

export const allTemplates: Templates = { ...catalogTemplates, ...stateTemplates }

const reportEveryMs = 10_000

const createReport = (log: Logger) => {
  let [documents, reportedMs] = [0, performance.now()]
  return {
    add: (more: number): void => {
      documents += more
      if (performance.now() - reportedMs < reportEveryMs) return
      reportedMs = performance.now()
      log.info({ documents }, 'terms of documents of an older version are made anew: text searches wait')
    },
    end: (): void => {
      if (documents > 0) log.info({ documents }, 'terms of documents of an older version have been made anew')
    },
  }
}

/**
 * Writes the templates of all indices and makes those with fixed names; a month's makes itself with its first event.
 * Makes the terms of documents anew that an older version wrote: ended at any moment, the next call goes on.
 * Idempotent.
 * @throws BTZ_CATALOG_MISCONFIGURED (no right to, or made by a newer version) BTZ_UNAVAILABLE
 */
export const setUpElasticsearch = async (config: ElasticConfig, log: Logger): Promise<void> => {
  const elastic = connectElastic(config)
  try {
    await ensureTemplates(elastic, allTemplates)
    await makeIndices(elastic, allTemplates)
    const report = createReport(log)
    await rebuildTexts(elastic, indicesOf(config.indexPrefix), report.add)
    report.end()
  } finally {
    await elastic.close()
  }
}
