import { join } from 'node:path'
import type { Catalog } from '#services/catalog/catalog.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { systemClock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import type { Views } from '#services/views/views.ts'
import type { MakeCatalogPlace } from '#test/contract/catalog-place.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { until } from './until.ts'

/** Options that can be passed to a child process. */
export type OpenSqliteCatalog = { file: string; queryTimeoutMs?: number; readers?: number }

export const openSqliteCatalog = (options: OpenSqliteCatalog): Promise<Catalog & Views> =>
  createSqliteCatalog({
    readers: 1,
    queryTimeoutMs: 20_000,
    ...options,
    clock: systemClock,
    log: createLogger('catalog', 'silent'),
  })

/** Not, while its index is made anew. */
export const canSearch = async (catalog: Catalog): Promise<boolean> => {
  try {
    await catalog.search({ query: wordsQuery('x'), in: ['commands'], limit: 1 })
    return true
  } catch (error) {
    if (error instanceof BartizanError && error.code === 'BTZ_UNAVAILABLE') return false
    throw error
  }
}
export const untilSearched = (catalog: Catalog): Promise<void> => until(() => canSearch(catalog), { limitMs: 180_000 })

export const sqlitePlace: MakeCatalogPlace = async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  return {
    open: () => openSqliteCatalog({ file }),
    openSlow: () => openSqliteCatalog({ file, queryTimeoutMs: 5 }),
    settle: async () => undefined,
    inChild: { module: '#test/helpers/open-sqlite-catalog.ts', factory: 'openSqliteCatalog', options: { file } },
  }
}
