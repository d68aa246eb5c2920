import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { openLogBus } from '#test/helpers/open-log-bus.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

export type Place = { folder: string }
export type Running = { bus: Bus; catalog: Catalog; registry: Registry; close(): Promise<void> }

export const openBus = ({ folder }: Place): Promise<Bus> =>
  openLogBus({ folder: join(folder, 'bus'), segmentBytes: 8 * 1024 * 1024, maxRecordBytes: 2 * 1024 * 1024 })
export const openCatalog = ({ folder }: Place): Promise<Catalog> =>
  openSqliteCatalog({ file: join(folder, 'catalog.db') })

export const startIndexer = async (bus: Bus, catalog: Catalog, reorderMs = 200) => {
  const registry = new Registry()
  const log = createLogger('indexer', 'silent')
  const config = { reorderBatches: 64, reorderMs }
  const indexer = await createIndexer({ bus, origins: null, catalog, config, clock: systemClock, log, registry })
  return { indexer, registry }
}

/** An indexer on a real bus and catalog, in a folder of the test's own. */
export const runningIndexer = async (t: ExecutionContext<unknown>, reorderMs?: number): Promise<Running & Place> => {
  const place = { folder: await temporaryFolder(t) }
  const [bus, catalog] = await Promise.all([openBus(place), openCatalog(place)])
  const { indexer, registry } = await startIndexer(bus, catalog, reorderMs)
  const close = async () => {
    await indexer.close()
    await bus.close()
    await catalog.close()
  }
  t.teardown(close)
  return { ...place, bus, catalog, registry, close }
}

export const produceBatches = (bus: Bus, sessionId: string, batches: Uint8Array[]) =>
  bus.produce(batches.map((value) => ({ topic: 'session-frames' as const, key: sessionId, value })))

/** Whether the group `indexer` has committed all there is. */
export const isCaughtUp = async (bus: Bus): Promise<boolean> => {
  const lags = (await bus.lag()).filter(({ group }) => group === 'indexer')
  return lags.length > 0 && lags.every(({ committed, end }) => committed === end)
}
