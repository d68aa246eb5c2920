import type { Registry } from 'prom-client'
import type { OriginGate } from '#ingest/origin/origin-gate.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { Logger } from '#services/log.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import type { LogKeys } from '#services/proofs/log-keys.ts'
import type { LogReader } from '#services/proofs/log-reader.ts'
import type { NoteSigner } from '#services/proofs/note.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'
import type { StoredCheckpoint } from './announce.ts'
import type { LogMetrics } from './metrics.ts'

export type LogWriterOptions = {
  bus: Bus
  origins: OriginCheck | null
  recordings: Pick<RecordingStore, 'put' | 'get' | 'list'>
  logKey: NoteSigner
  bastion: string // names this process in events
  maxRetentionYears: number
  clock: Clock
  log: Logger
  registry: Registry
}

/** What the steps of the log writer work with. */
export type LogContext = Omit<LogWriterOptions, 'registry' | 'origins'> & {
  reader: LogReader
  keys: LogKeys
  deadLetters: DeadLetters
  gate: OriginGate
  metrics: LogMetrics
  /** Told of each checkpoint that was stored, and of the one that a start finds. */
  stored(checkpoint: StoredCheckpoint): void
}
