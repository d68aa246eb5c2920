import { Counter, Gauge, type Registry } from 'prom-client'

export const createLogMetrics = (registry: Registry) => {
  const registers = [registry]
  const name = (suffix: string) => `bartizan_log_${suffix}`
  return {
    size: new Gauge({ name: name('size'), help: 'leaves that a checkpoint covers', registers }),
    checkpoints: new Counter({ name: name('checkpoints_total'), help: 'checkpoints stored', registers }),
    duplicates: new Counter({ name: name('duplicates_total'), help: 'leaves that the log has already', registers }),
    deadLetters: new Counter({ name: name('dead_letters_total'), help: 'records put aside', registers }),
  }
}
export type LogMetrics = ReturnType<typeof createLogMetrics>
