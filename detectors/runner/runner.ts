import { createPartitionWorkers } from '#services/bus/partition-workers.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import { createAtMost } from './at-most.ts'
import type { RunnerContext, RunnerOptions } from './context.ts'
import { createEntityWorker, type EntityWorker } from './entity-worker.ts'
import { createDetectorMetrics } from './metrics.ts'
import { createRepartitionWorker, type RepartitionWorker } from './repartition-worker.ts'
import { sendTick } from './tick.ts'

/** Workers of a process store so many entities at once. */
const maxStoring = 4

export const groups = { repartition: 'detectors-repartition', entities: 'detectors' } as const

export type Runner = {
  /** Tells the time to every partition; timers of rules wait for it. */
  tick(): Promise<void>
  /** Grows with what was read. */
  readCount(): number
  /** Stores and commits what was read. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** Remembers the workers that are not dropped. */
const keepIn = <W extends { drop(): void }>(all: Set<W>, worker: W): W => {
  const kept = {
    ...worker,
    drop: () => {
      all.delete(kept)
      worker.drop()
    },
  }
  all.add(kept)
  return kept
}

/** session-events → entity-events → alerts, as a member of two consumer groups. */
export const createRunner = async ({ registry, origins, ...options }: RunnerOptions): Promise<Runner> => {
  const { bus, log, clock } = options
  const metrics = createDetectorMetrics(registry)
  const contextOf = (where: string): RunnerContext => ({
    ...options,
    metrics,
    memory,
    atLeisure,
    erased,
    deadLetters: createCountedDeadLetters({ bus, where, log }, metrics.deadLetters),
  })
  const memory = { entities: 0 }
  const atLeisure = createAtMost(maxStoring)
  const erased = createErasedSessions(options)
  const repartition = new Set<RepartitionWorker>()
  const entities = new Set<EntityWorker>()

  const entityWorkers = await createPartitionWorkers<EntityWorker>({
    bus,
    group: groups.entities,
    topics: ['entity-events'],
    log,
    create: (at, commit) => keepIn(entities, createEntityWorker(contextOf(groups.entities), at, commit)),
  })
  const repartitionWorkers = await createPartitionWorkers<RepartitionWorker>({
    bus,
    group: groups.repartition,
    topics: ['session-events'],
    log,
    create: (at, commit) =>
      keepIn(repartition, createRepartitionWorker({ ...contextOf(groups.repartition), origins }, at, commit)),
  })
  const drain = async (): Promise<void> => {
    await repartitionWorkers.drain()
    await entityWorkers.drain()
  }
  return {
    tick: () => sendTick({ bus, clock, group: groups.repartition, repartition, entities }),
    readCount: () =>
      [...repartition].reduce((sum, worker) => sum + worker.position().nextOffset, 0) +
      [...entities].reduce((sum, worker) => sum + worker.position().taken, 0),
    drain,
    close: async () => {
      await repartitionWorkers.close()
      await entityWorkers.close()
    },
  }
}
