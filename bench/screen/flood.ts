import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Registry } from 'prom-client'
import { createScreenIndexer } from '#ingest/indexer/screen/screen-indexer.ts'
import { createLogBus } from '#services/bus/log-bus.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { systemClock as clock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { recordedSession, shown } from '#test/helpers/recorded-session.ts'
import { until } from '#test/helpers/until.ts'

/** How long the process's own loop stands still while one session's flood is derived, and how fast that goes. */

const batchBytes = 200 * 1024
const nsPerMs = 1e6

export const benchFlood = async (folder: string, totalBytes: number): Promise<object> => {
  const log = createLogger('screen', 'warn')
  const limits = { segmentBytes: 64 * 1024 * 1024, maxRecordBytes: 2 * 1024 * 1024, retentionMs: 86_400_000 }
  const bus = await createLogBus({ folder: join(folder, 'bus'), partitions: 4, ...limits, clock, log })
  const file = join(folder, 'catalog.db')
  const views = await createSqliteCatalog({ file, readers: 1, queryTimeoutMs: 60_000, clock, log })
  const session = recordedSession()
  const line = (n: number) => `\x1b[32m${n}\x1b[0m drwxr-xr-x 2 root root 4096 a line of a listing ${n * 7919}\r\n`
  let made = 0
  for (let n = 0; made < totalBytes; ) {
    let text = ''
    while (text.length < batchBytes) text += line(n++)
    made += text.length
    const value = n === 0 ? session.first(shown(text)) : session.next(shown(text))
    await bus.produce([{ topic: 'session-frames', key: session.sessionId, value }])
  }
  const erased = { ids: async () => new Set<string>() }
  const config = { reorderBatches: 64, reorderMs: 0 }
  const delay = monitorEventLoopDelay({ resolution: 5 })
  const beganMs = performance.now()
  delay.enable()
  const shared = { bus, views, erased, config, clock, log, origins: null, registry: new Registry() }
  const screens = await createScreenIndexer(shared)
  const isDone = async (): Promise<boolean> => {
    const lags = (await bus.lag()).filter(({ group }) => group === 'screen')
    return lags.length > 0 && lags.every(({ committed, end }) => committed === end)
  }
  await until(isDone, { limitMs: 1_800_000, everyMs: 200 })
  delay.disable()
  const tookS = (performance.now() - beganMs) / 1000
  const listed = await views.segments(session.sessionId)
  await screens.close()
  await Promise.all([bus.close(), views.close()])
  await rm(folder, { recursive: true })
  const ms = (ns: number): number => Math.round(ns / nsPerMs)
  return {
    ...{
      mib: Math.round(made / 1024 / 1024),
      tookS: Math.round(tookS),
      mibPerS: Math.round(made / 1024 / 1024 / tookS),
    },
    loop: { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) },
    segments: listed?.segments.length,
  }
}
