import type { Registry } from 'prom-client'
import type { OriginGate } from '#ingest/origin/origin-gate.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { ErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import type { ViewsWriter } from '#services/views/views.ts'
import type { Emulation } from './emulation.ts'
import type { ScreenMetrics } from './metrics.ts'

export type ScreenOptions = {
  bus: Bus
  origins: OriginCheck | null
  views: Pick<ViewsWriter, 'indexScreen' | 'screenProgress'>
  config: Pick<Config['ingest'], 'reorderBatches' | 'reorderMs'>
  /** Of these nothing is kept that tells what was done in them. */
  erased: Pick<ErasedSessions, 'ids'>
  clock: Clock
  log: Logger
  registry: Registry
  /** Absent: one of its own. */
  emulation?: Emulation
}

export type ScreenContext = Omit<ScreenOptions, 'bus' | 'origins' | 'registry'> & {
  deadLetters: DeadLetters
  gate: OriginGate
  metrics: ScreenMetrics
  emulation: Emulation
}
