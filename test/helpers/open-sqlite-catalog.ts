import type { Catalog } from '#services/catalog/catalog.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import type { Views } from '#services/views/views.ts'

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
