import { Counter, Gauge, type Registry } from 'prom-client'

export const createDeliveryMetrics = (registry: Registry) => {
  const registers = [registry]
  const labelNames = ['sink'] as const
  const name = (suffix: string) => `bartizan_sink_${suffix}`
  return {
    taken: new Counter({ name: name('taken_total'), help: 'items that a destination took', labelNames, registers }),
    failures: new Counter({ name: name('failures_total'), help: 'attempts that failed', labelNames, registers }),
    deadLetters: new Counter({ name: name('dead_letters_total'), help: 'items put aside', labelNames, registers }),
    unproven: new Counter({
      name: name('unproven_total'),
      help: 'records that did not go out, because who wrote them may not speak for their bastion',
      labelNames,
      registers,
    }),
    lagRecords: new Gauge({ name: name('lag_records'), help: 'records not handled yet', labelNames, registers }),
    lagSeconds: new Gauge({
      name: name('lag_seconds'),
      help: 'age of the oldest record in hand that the destination has not taken',
      labelNames,
      registers,
    }),
  }
}
export type DeliveryMetrics = ReturnType<typeof createDeliveryMetrics>
