import type { OriginGate } from '#ingest/origin/origin-gate.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { RecorderOptions } from './context.ts'
import type { EventMetrics } from './metrics.ts'

export type EventRecorderOptions = Omit<RecorderOptions, 'catalog'>

/** What the steps of the event recorder work with. */
export type EventRecorderContext = Omit<EventRecorderOptions, 'registry' | 'origins'> & {
  deadLetters: DeadLetters
  gate: OriginGate
  metrics: EventMetrics
}
