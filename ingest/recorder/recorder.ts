import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createPartitionWorkers, type PartitionWorkers } from '#services/bus/partition-workers.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import type { RecorderContext, RecorderOptions } from './context.ts'
import { createRecorderMetrics, observeLag } from './metrics.ts'
import { createOrphanWatch, type Silence } from './orphan-watch.ts'
import { reportOrigin } from './steps/report-origin.ts'
import { createFrameWorker, type FrameWorker } from './worker.ts'

const group = 'recorder'
const memoryCheckBytes = 16 * 1024 * 1024

/** The one that holds most, when all together hold too much. */
const largestHolder = (workers: FrameWorker[], { config, metrics }: RecorderContext) => {
  const all = workers.flatMap((worker) => worker.held().map((held) => ({ ...held, worker })))
  const sumBytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  metrics.heldBytes.set(sumBytes)
  metrics.openBlocks.set(all.filter(({ session }) => session.block !== null).length)
  return sumBytes <= config.memoryBytes ? null : all.reduce((a, b) => (a.sizeBytes >= b.sizeBytes ? a : b))
}

/**
 * Bus → evidence: consumes session-frames as group `recorder`, writes blocks and manifests. Sessions of a bastion that
 * `silence` says nothing of for long are late, and closed provisionally after longer; without it none is.
 */
export const createRecorder = async ({
  registry,
  origins,
  silence,
  ...options
}: RecorderOptions & { silence?: Silence }): Promise<PartitionWorkers> => {
  const { bus, log } = options
  const metrics = createRecorderMetrics(registry)
  const deadLetters = createCountedDeadLetters({ bus, where: group, log }, metrics.deadLetters)
  const gate = createOriginGate({ ...options, origins, deadLetters, tell: reportOrigin(options) })
  const ctx: RecorderContext = { ...options, metrics, deadLetters, gate }
  observeLag(registry, bus)

  const closeOrphans = silence && createOrphanWatch(ctx, silence)
  let takenBytes = 0
  // Outside any worker's turn: two of them must not wait for each other.
  const makeRoom = async (workers: FrameWorker[]): Promise<void> => {
    takenBytes = 0
    for (let holder = largestHolder(workers, ctx); holder !== null; holder = largestHolder(workers, ctx))
      await holder.worker.relieve(holder.session.sessionId)
  }
  return createPartitionWorkers<FrameWorker>({
    bus,
    group,
    topics: ['session-frames'],
    log,
    create: (_at, commit) => createFrameWorker(ctx, commit),
    afterRun: async (bytes, workers) => {
      takenBytes += bytes
      if (takenBytes >= memoryCheckBytes) await makeRoom(workers)
    },
    afterTick: async (workers) => {
      await makeRoom(workers)
      await closeOrphans?.()
    },
  })
}
