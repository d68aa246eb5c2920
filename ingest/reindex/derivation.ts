import { Registry } from 'prom-client'
import type { Bus, BusRecord } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import { createAlertWorker } from '../indexer/alert-worker.ts'
import type { IndexerContext } from '../indexer/context.ts'
import { createEventWorker } from '../indexer/event-worker.ts'
import { createFrameWorker } from '../indexer/frame-worker.ts'
import { createIndexerMetrics } from '../indexer/metrics.ts'
import { createEmulation } from '../indexer/screen/emulation.ts'
import { createScreenMetrics } from '../indexer/screen/metrics.ts'
import { createScreenWorker } from '../indexer/screen/screen-worker.ts'
import type { ReindexContext, Tally } from './context.ts'

/** What stands in evidence waits for nothing: a batch that is missing there never comes. */
const noWaiting = { reorderBatches: 1, reorderMs: 0 }
const control = { heartbeat: async () => {}, signal: new AbortController().signal }
const noCommit = async () => {}

/** Nothing is emitted: whatever these workers would say was said when it happened. One partition holds all. */
const silentBus: Pick<Bus, 'produce' | 'partitions'> = { produce: async () => [], partitions: () => 1 }

/** Records as the bus gives them, in the order in which they are made. */
export const createRecords = () => {
  let offset = 0
  return (topic: BusRecord['topic'], key: string, value: Uint8Array, timestampMs: number): BusRecord => ({
    ...{ topic, partition: 0, offset: offset++, key, value, headers: {}, timestampMs },
  })
}

export const feed = (worker: PartitionWorker, records: BusRecord[]): Promise<void> => worker.takeRun(records, control)

/** The workers that derive from the bus, to be fed from evidence. What they cannot take counts as refused. */
export const createDerivation = (ctx: ReindexContext, tally: Tally) => {
  const registry = new Registry()
  const emulation = createEmulation(ctx.log)
  const deadLetters = {
    write: async () => {
      tally.refused++
    },
  }
  const shared = {
    ...{ deadLetters, gate: { admits: async () => true }, config: noWaiting, clock: ctx.clock, log: ctx.log },
    erased: createErasedSessions(ctx),
  }
  const rows: IndexerContext = {
    ...{ ...shared, bus: silentBus, catalog: ctx.catalog, metrics: createIndexerMetrics(registry) },
    graceMs: ctx.graceMs,
  }
  const screens = {
    ...{ ...shared, views: ctx.views, emulation },
    metrics: createScreenMetrics(registry, emulation.openCount),
  }
  return {
    erased: shared.erased,
    rowsWorker: () => createFrameWorker(rows, noCommit),
    screenWorker: () => createScreenWorker(screens, noCommit),
    eventWorker: () => createEventWorker(rows, noCommit, 0),
    alertWorker: () => createAlertWorker(rows, noCommit),
    close: emulation.close,
  }
}
export type Derivation = ReturnType<typeof createDerivation>
