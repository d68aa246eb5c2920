import { Counter, type Registry } from 'prom-client'

export const createIndexerMetrics = (registry: Registry) => {
  const registers = [registry]
  const counter = (suffix: string, help: string) =>
    new Counter({ name: `bartizan_indexer_${suffix}_total`, help, registers })
  return {
    batches: counter('batches', 'batches put into the catalog'),
    duplicates: counter('duplicates', 'batches that were there already'),
    gaps: counter('gaps', 'batches missing in a session, after waiting for them'),
    events: counter('events', 'events put into the catalog'),
    duplicateEvents: counter('duplicate_events', 'events that were there already'),
    alerts: counter('alerts', 'revisions of alerts, and decisions about them, put into the catalog'),
    deadLetters: counter('dead_letters', 'records put aside'),
  }
}
export type IndexerMetrics = ReturnType<typeof createIndexerMetrics>
