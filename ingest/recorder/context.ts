import type { Registry } from 'prom-client'
import type { OriginGate } from '#ingest/origin/origin-gate.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { DaysFor } from '#services/custody/retention-rules.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'
import type { RecorderMetrics } from './metrics.ts'
import type { RowQueue } from './row-queue.ts'

export type RecorderOptions = {
  bus: Bus
  origins: OriginCheck | null
  recordings: RecordingStore
  keys: Pick<KeyStore, 'obtain' | 'get'>
  catalog: Pick<Catalog, 'blocks' | 'sessions' | 'putBlock' | 'markSealed' | 'markLate' | 'markTruncated'>
  config: Config['ingest']
  retentionDays: number
  /** Where some sessions are kept longer than that. */
  daysFor?: DaysFor
  clock: Clock
  log: Logger
  registry: Registry
}

/** What the steps of the recorder work with. */
export type RecorderContext = Omit<RecorderOptions, 'registry' | 'origins'> & {
  deadLetters: DeadLetters
  gate: OriginGate
  metrics: RecorderMetrics
}

/** What the steps of one partition work with. */
export type PartitionContext = RecorderContext & { rows: RowQueue }
