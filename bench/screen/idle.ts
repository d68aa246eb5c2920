import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { createEmulation } from '#ingest/indexer/screen/emulation.ts'
import { createScreenIndexer } from '#ingest/indexer/screen/screen-indexer.ts'
import { createLogBus } from '#services/bus/log-bus.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { systemClock as clock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { recordedSession, shown } from '#test/helpers/recorded-session.ts'
import { until } from '#test/helpers/until.ts'

/** What open sessions cost that say nothing: each got a prompt and a listing, and is waited for until it is evicted. */

const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024)
const rss = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().rss
}

export const benchIdle = async (folder: string, count: number): Promise<object> => {
  const log = createLogger('screen', 'warn')
  const [file, busFolder] = [join(folder, 'catalog.db'), join(folder, 'bus')]
  const limits = { segmentBytes: 64 * 1024 * 1024, maxRecordBytes: 2 * 1024 * 1024, retentionMs: 86_400_000 }
  const bus = await createLogBus({ folder: busFolder, partitions: 48, ...limits, clock, log })
  const views = await createSqliteCatalog({ file, readers: 1, queryTimeoutMs: 60_000, clock, log })
  const emulation = createEmulation(log)
  const erased = { ids: async () => new Set<string>() }
  const config = { reorderBatches: 64, reorderMs: 30_000 }
  const shared = { bus, views, erased, config, clock, log, emulation, origins: null, registry: new Registry() }
  const screens = await createScreenIndexer(shared)
  const beforeBytes = rss()
  const beganMs = performance.now()
  let mostOpen = 0
  for (let at = 0; at < count; at += 100) {
    const records = Array.from({ length: Math.min(100, count - at) }, (_, n) => {
      const session = recordedSession({ user: `user-${at + n}` })
      const value = session.first(shown(`$ ls\r\n\x1b[1;34mfolder-${n}\x1b[0m  file-${at}\r\n$ `))
      return { topic: 'session-frames' as const, key: session.sessionId, value }
    })
    await bus.produce(records)
    mostOpen = Math.max(mostOpen, emulation.openCount())
  }
  const isDone = async (): Promise<boolean> => {
    mostOpen = Math.max(mostOpen, emulation.openCount())
    const lags = (await bus.lag()).filter(({ group }) => group === 'screen')
    return lags.length > 0 && lags.every(({ committed, end }) => committed === end)
  }
  await until(isDone, { limitMs: 1_800_000, everyMs: 500 })
  const tookS = Math.round((performance.now() - beganMs) / 100) / 10
  const busyBytes = rss()
  await until(() => emulation.openCount() === 0, { limitMs: 120_000, everyMs: 500 })
  const idleBytes = rss()
  await screens.close()
  await Promise.all([bus.close(), views.close()])
  await rm(folder, { recursive: true })
  return {
    ...{ sessions: count, tookS, mostOpen },
    ...{ beforeMib: mib(beforeBytes), busyMib: mib(busyBytes), idleMib: mib(idleBytes) },
    costMib: mib(idleBytes - beforeBytes),
  }
}
