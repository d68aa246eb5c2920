import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createPartitionWorkers, type PartitionWorkers } from '#services/bus/partition-workers.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import type { EventRecorderContext, EventRecorderOptions } from './event-context.ts'
import { createEventWorker } from './event-worker.ts'
import { createEventMetrics } from './metrics.ts'
import { reportOrigin } from './steps/report-origin.ts'

const group = 'event-recorder'

/** Bus → evidence for events, alerts and console audit, as group `event-recorder`. */
export const createEventRecorder = async ({
  registry,
  origins,
  ...options
}: EventRecorderOptions): Promise<PartitionWorkers> => {
  const { bus, log } = options
  const metrics = createEventMetrics(registry)
  const deadLetters = createCountedDeadLetters({ bus, where: group, log }, metrics.deadLetters)
  const gate = createOriginGate({ ...options, origins, deadLetters, tell: reportOrigin(options) })
  const ctx: EventRecorderContext = { ...options, metrics, deadLetters, gate }
  return createPartitionWorkers({
    bus,
    group,
    topics: ['session-events', 'alerts'],
    log,
    create: (at, commit) => createEventWorker(ctx, at, commit),
  })
}
