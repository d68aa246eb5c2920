import { Counter, Gauge, type Registry } from 'prom-client'
import type { Bus } from '#services/bus/bus.ts'

/** What the recorders count. `lag`: records of the bus that a group has not made evidence of. */
export const createRecorderMetrics = (registry: Registry) => {
  const registers = [registry]
  const name = (suffix: string) => `bartizan_recorder_${suffix}`
  return {
    batches: new Counter({ name: name('batches_total'), help: 'batches put into blocks', registers }),
    bytes: new Counter({ name: name('bytes_total'), help: 'finished bytes of those batches', registers }),
    duplicates: new Counter({ name: name('duplicates_total'), help: 'batches that were there already', registers }),
    blocks: new Counter({ name: name('blocks_total'), help: 'blocks made durable', labelNames: ['why'], registers }),
    sealed: new Counter({ name: name('sealed_total'), help: 'manifests written', registers }),
    gaps: new Counter({ name: name('gaps_total'), help: 'gaps named', labelNames: ['reason'], registers }),
    erased: new Counter({
      name: name('erased_total'),
      help: 'times that batches of erased sessions came late',
      registers,
    }),
    deadLetters: new Counter({ name: name('dead_letters_total'), help: 'records put aside', registers }),
    openBlocks: new Gauge({ name: name('open_blocks'), help: 'blocks in the making', registers }),
    heldBytes: new Gauge({ name: name('held_bytes'), help: 'bytes of open blocks and waiting batches', registers }),
  }
}
export type RecorderMetrics = ReturnType<typeof createRecorderMetrics>

export const createEventMetrics = (registry: Registry) => {
  const registers = [registry]
  const name = (suffix: string) => `bartizan_event_recorder_${suffix}`
  return {
    records: new Counter({ name: name('records_total'), help: 'records put into event blocks', registers }),
    blocks: new Counter({ name: name('blocks_total'), help: 'event blocks made durable', registers }),
    deadLetters: new Counter({ name: name('dead_letters_total'), help: 'records put aside', registers }),
  }
}
export type EventMetrics = ReturnType<typeof createEventMetrics>

export const observeLag = (registry: Registry, bus: Pick<Bus, 'lag'>): void => {
  const gauge: Gauge<'group' | 'topic'> = new Gauge({
    name: 'bartizan_bus_lag_records',
    help: 'records that a consumer group has not committed',
    labelNames: ['group', 'topic'],
    registers: [registry],
    collect: async () => {
      gauge.reset()
      for (const { group, topic, committed, end } of await bus.lag()) gauge.inc({ group, topic }, end - committed)
    },
  })
}
