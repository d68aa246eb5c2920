import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createPartitionWorkers, type PartitionWorkers } from '#services/bus/partition-workers.ts'
import { screenGroup } from '#services/views/views.ts'
import type { ScreenContext, ScreenOptions } from './context.ts'
import { createEmulation } from './emulation.ts'
import { createScreenMetrics } from './metrics.ts'
import { createScreenWorker } from './screen-worker.ts'

/**
 * Bus → views: consumes session-frames as group `screen`. States are in the views before offsets are committed, so that a
 * live viewer finds in them all that came before the committed offset.
 */
export const createScreenIndexer = async (options: ScreenOptions): Promise<PartitionWorkers> => {
  const { bus, origins, registry, emulation = createEmulation(options.log), ...rest } = options
  const metrics = createScreenMetrics(registry, emulation.openCount)
  // The recorder and the indexer read the same records and put aside what is none.
  const deadLetters = { write: async () => metrics.refused.inc() }
  const gate = createOriginGate({ ...rest, origins, deadLetters })
  const ctx: ScreenContext = { ...rest, deadLetters, gate, metrics, emulation }
  const workers = await createPartitionWorkers({
    ...{ bus, group: screenGroup, topics: ['session-frames'], log: rest.log },
    create: (_, commit) => createScreenWorker(ctx, commit),
  })
  return {
    drain: workers.drain,
    close: async () => {
      await workers.close()
      await emulation.close()
    },
  }
}
