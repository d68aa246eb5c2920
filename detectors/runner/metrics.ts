import { Counter, Gauge, type Registry } from 'prom-client'

export const createDetectorMetrics = (registry: Registry) => {
  const registers = [registry]
  const counter = (suffix: string, help: string) =>
    new Counter({ name: `bartizan_detectors_${suffix}_total`, help, registers })
  const gauge = (suffix: string, help: string) => new Gauge({ name: `bartizan_detectors_${suffix}`, help, registers })
  return {
    events: counter('events', 'events taken by the entities they are about'),
    late: counter('late_events', 'events that came too late to be judged'),
    duplicates: counter('duplicate_events', 'events that an entity had already'),
    unproven: counter('unproven_events', 'events left out because nothing proves who wrote them'),
    deadLetters: counter('dead_letters', 'records put aside'),
    failures: new Counter({
      name: 'bartizan_detectors_rule_failures_total',
      help: 'events and timers that a rule failed at, and went on without',
      labelNames: ['rule'],
      registers,
    }),
    alerts: new Counter({
      name: 'bartizan_detectors_alerts_total',
      help: 'revisions of alerts published',
      labelNames: ['rule', 'severity'],
      registers,
    }),
    entities: gauge('entities', 'entities in memory'),
    snapshotLag: gauge('snapshot_lag_seconds', 'age of the oldest change that is in no snapshot yet'),
  }
}
export type DetectorMetrics = ReturnType<typeof createDetectorMetrics>
