import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createPartitionWorkers, type PartitionWorkers } from '#services/bus/partition-workers.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import { createLogKeys } from '#services/proofs/log-keys.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { startSchedule } from '#services/schedule.ts'
import { createAnnouncer } from './announce.ts'
import type { LogContext, LogWriterOptions } from './context.ts'
import { createLogMetrics } from './metrics.ts'
import { createLogWorker } from './worker.ts'

export const logWriterGroup = 'log-writer'

/**
 * Bus → transparency log, as group `log-writer`: tiles and checkpoints in the evidence store. `every`: when a checkpoint is
 * due if there is something new, as a cron expression with seconds; each is then an event, too. `drain` makes one now, and
 * leaves the event to the clock or to the next start.
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
  const verifier = verifierOf(options.logKey)
  const [reader, keys] = [createLogReader(recordings, verifier), createLogKeys(verifier)]
  const { stored, announce } = createAnnouncer(options)
  const ctx: LogContext = { ...options, reader, keys, metrics, deadLetters, gate, stored }
  const workers = await createPartitionWorkers({
    bus,
    group: logWriterGroup,
    topics: ['log-entries'],
    log,
    create: (_at, commit) => createLogWorker(ctx, commit),
  })
  // What cannot be written now stays on the bus, and stops nothing else.
  const checkpoint = (): Promise<void> =>
    workers.drain().catch((err: unknown) => log.error({ err }, 'no checkpoint of the transparency log now'))
  const schedule = startSchedule(every, log, async () => {
    await checkpoint()
    await announce()
  })
  return {
    drain: checkpoint,
    close: async () => {
      await schedule.stop()
      await workers.close()
    },
  }
}
