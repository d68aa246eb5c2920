import type { Registry } from 'prom-client'
import type { LedgerCatalog } from '#ingest/ledger/reconcile.ts'
import type { OriginGate } from '#ingest/origin/origin-gate.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { ErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import type { IndexerMetrics } from './metrics.ts'

export type IndexerOptions = {
  bus: Bus
  origins: OriginCheck | null
  catalog: LedgerCatalog & Pick<Catalog, 'progress' | 'indexFrames' | 'connectionSessions' | 'putEvents' | 'putAlerts'>
  config: Pick<Config['ingest'], 'reorderBatches' | 'reorderMs'>
  /** A session that goes on and of which what comes is older than this is late; absent: none is. */
  lateAfterMs?: number
  /** How long the ledger waits for a recording; absent: as long as the table of deadlines says. */
  graceMs?: number
  /** Of these nothing is kept that tells what was done in them; absent: there are none. */
  erased?: Pick<ErasedSessions, 'ids'>
  clock: Clock
  log: Logger
  registry: Registry
}

export type IndexerContext = Omit<IndexerOptions, 'bus' | 'registry' | 'origins' | 'erased'> & {
  bus: Pick<Bus, 'produce' | 'partitions'>
  erased: Pick<ErasedSessions, 'ids'>
  deadLetters: DeadLetters
  gate: OriginGate
  metrics: IndexerMetrics
}
