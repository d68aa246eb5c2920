import { Counter, Gauge, type Registry } from 'prom-client'

export const createScreenMetrics = (registry: Registry, openCount: () => number) => {
  const registers = [registry]
  const counter = (suffix: string, help: string) =>
    new Counter({ name: `bartizan_screen_${suffix}_total`, help, registers })
  new Gauge({
    name: 'bartizan_screen_open',
    help: 'sessions whose terminal is in memory',
    registers,
    collect() {
      this.set(openCount())
    },
  })
  return {
    batches: counter('batches', 'batches whose output was emulated'),
    duplicates: counter('duplicates', 'batches that were there already'),
    gaps: counter('gaps', 'batches missing in a session, after waiting for them'),
    segments: counter('segments', 'segments that a player may begin at'),
    keyframesRefused: counter(
      'keyframes_refused',
      'keyframes that were not exact, so that their segment grew: some are usual',
    ),
    broken: counter('broken', 'times that output broke the terminal, which went on empty'),
    texts: counter('texts', 'texts of screens put into the views'),
    unavailable: counter('unavailable', 'sessions whose output cannot be emulated'),
    refused: counter('refused', 'records that were passed over: another group puts them aside'),
  }
}
export type ScreenMetrics = ReturnType<typeof createScreenMetrics>
