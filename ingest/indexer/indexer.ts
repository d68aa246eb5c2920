import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createPartitionWorkers, type PartitionWorkers } from '#services/bus/partition-workers.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import { createAlertWorker } from './alert-worker.ts'
import type { IndexerContext, IndexerOptions } from './context.ts'
import { createEventWorker } from './event-worker.ts'
import { createFrameWorker } from './frame-worker.ts'
import { createIndexerMetrics } from './metrics.ts'

const group = 'indexer'

const workers = {
  'session-frames': createFrameWorker,
  'session-events': createEventWorker,
  alerts: createAlertWorker,
} as const
type Consumed = keyof typeof workers
const topics = Object.keys(workers) as Consumed[]

const noneErased = { ids: async () => new Set<string>() }

/** Bus → catalog: consumes session-frames, session-events and alerts as group `indexer`. */
export const createIndexer = async ({ registry, origins, ...options }: IndexerOptions): Promise<PartitionWorkers> => {
  const { bus, log } = options
  const metrics = createIndexerMetrics(registry)
  const deadLetters = createCountedDeadLetters({ bus, where: group, log }, metrics.deadLetters)
  const gate = createOriginGate({ ...options, origins, deadLetters })
  const ctx: IndexerContext = { erased: noneErased, ...options, metrics, deadLetters, gate }
  return createPartitionWorkers({
    bus,
    group,
    topics,
    log,
    create: ({ topic, partition }, commit) => workers[topic as Consumed](ctx, commit, partition),
  })
}
