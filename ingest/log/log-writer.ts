import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createPartitionWorkers, type PartitionWorkers } from '#services/bus/partition-workers.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { startSchedule } from '#services/schedule.ts'
import type { LogContext, LogWriterOptions } from './context.ts'
import { createLogMetrics } from './metrics.ts'
import { createLogWorker } from './worker.ts'

export const logWriterGroup = 'log-writer'

/**
 * Bus → transparency log, as group `log-writer`: tiles and checkpoints in the evidence store. `every`: when a checkpoint is
 * due if there is something new, as a cron expression with seconds. `drain` makes one now.
 */
export const createLogWriter = async ({
  registry,
  origins,
  every = '0 * * * * *',
  ...options
}: LogWriterOptions & { every?: string }): Promise<PartitionWorkers> => {
  const { bus, log, recordings } = options
  const metrics = createLogMetrics(registry)
  const deadLetters = createCountedDeadLetters({ bus, where: logWriterGroup, log }, metrics.deadLetters)
  const gate = createOriginGate({ ...options, origins, deadLetters })
  const ctx: LogContext = { ...options, reader: createLogReader(recordings), metrics, deadLetters, gate }
  const workers = await createPartitionWorkers({
    bus,
    group: logWriterGroup,
    topics: ['log-entries'],
    log,
    create: (_at, commit) => createLogWorker(ctx, commit),
  })
  const checkpoint = () =>
    workers.drain().catch((err: unknown) => log.error({ err }, 'no checkpoint of the transparency log now'))
  const schedule = startSchedule(every, log, checkpoint)
  return {
    drain: workers.drain,
    close: async () => {
      await schedule.stop()
      await workers.close()
    },
  }
}
