import type { Registry } from 'prom-client'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { ErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import type { StateStore } from '#services/state/state-store.ts'
import type { FoldContext } from '../engine/folded.ts'
import type { Programs } from '../programs.ts'
import type { AtMost } from './at-most.ts'
import type { DetectorMetrics } from './metrics.ts'

export type RunnerOptions = {
  bus: Bus
  state: StateStore
  origins: OriginCheck | null
  programs: Programs
  /** Asked for each run: directory and places may change in between. */
  context: () => FoldContext
  settings: Pick<DetectorSettings, 'horizonMs' | 'snapshotMs' | 'maxEntities'>
  clock: Clock
  log: Logger
  registry: Registry
}

/** What the workers of a process work with. */
export type RunnerContext = Omit<RunnerOptions, 'registry' | 'origins'> & {
  deadLetters: DeadLetters
  metrics: DetectorMetrics
  /** How many entities all workers of this process hold. */
  memory: { entities: number }
  erased: Pick<ErasedSessions, 'ids'>
  /** What is stored at leisure takes turns, so that whatever an alert waits for is not behind all of it. */
  atLeisure: AtMost
}
