import { readFileSync } from 'node:fs'
import { createElasticCatalog } from '#services/catalog/elastic-catalog.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { searchKinds } from '#services/schema/search-query.ts'
import { parseQuery } from '#services/search/parse-query.ts'

/** A process of its own, so that nothing is warm: asks every query once, then in rounds. Prints what each took, as JSON. */
export type Asked = { kind: string; q: string; ms: number; cpuMs: number; found: string; isFirst: boolean }
export type Place = { file: string } | { url: string; prefix: string }

const rounds = 5
export const openPlace = (place: Place) => {
  const shared = { queryTimeoutMs: 120_000, clock: systemClock, log: createLogger('bench', 'warn') }
  if ('file' in place) return createSqliteCatalog({ ...shared, file: place.file, readers: 1 })
  const elasticsearch = { nodes: [place.url], indexPrefix: place.prefix, replicas: 0 }
  return createElasticCatalog({ ...shared, config: Config.parse({ elasticsearch }).elasticsearch })
}

const ask = async (place: Place, queries: Record<string, string[]>): Promise<Asked[]> => {
  const catalog = await openPlace(place)
  const asked: Asked[] = []
  for (let round = 0; round <= rounds; round++)
    for (const [kind, all] of Object.entries(queries))
      for (const q of all) {
        const [startMs, cpu] = [performance.now(), process.cpuUsage()]
        const query = parseQuery(q, { nowMs: Date.now(), tz: 'UTC' })
        const { total } = await catalog.search({ query, in: [...searchKinds], limit: 50 })
        const found = `${total.value}${total.relation === 'gte' ? '+' : ''}`
        const ms = performance.now() - startMs
        const { user, system } = process.cpuUsage(cpu)
        asked.push({ kind, q, ms, cpuMs: (user + system) / 1_000, found, isFirst: round === 0 })
      }
  await catalog.close()
  return asked
}

if (import.meta.main) {
  const { place, queries } = JSON.parse(readFileSync(0, 'utf8')) as { place: Place; queries: Record<string, string[]> }
  process.stdout.write(JSON.stringify(await ask(place, queries)))
}
