import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Why somebody could not begin to watch, rights aside: those are on the audit trail. */
export type Refusal = 'server_full' | 'session_full' | 'sessions_full' | 'stopping' | 'unavailable'

const lagSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30]

export const createLiveMetrics = (registry: Registry, counts: { sessions(): number; viewers(): number }) => {
  const registers = [registry]
  const gauge = (name: string, help: string, count: () => number) =>
    new Gauge({
      ...{ name: `bartizan_live_${name}`, help, registers },
      collect() {
        this.set(count())
      },
    })
  gauge('viewers', 'connections that watch a running session', counts.viewers)
  gauge('sessions', 'running sessions whose terminal is in memory because somebody watches', counts.sessions)
  return {
    refused: new Counter({
      name: 'bartizan_live_refused_total',
      help: 'viewers that could not begin to watch, by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    skipped: new Counter({
      name: 'bartizan_live_skipped_total',
      help: 'times that a viewer took less than came, and was given the screen as it was then',
      registers,
    }),
    lag: new Histogram({
      name: 'bartizan_live_lag_seconds',
      help: 'from when a batch came onto the bus until it was given to all who watch its session',
      buckets: lagSeconds,
      registers,
    }),
  }
}
