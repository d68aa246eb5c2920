import { hash } from 'node:crypto'
import { Gauge, type Registry } from 'prom-client'
import type { Bus, GroupLag } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'

const everyMs = 60_000

export type LagLevel = 'none' | 'alert' | 'page'

/** How near a group is to losing records to the bus's retention: a quarter of it alerts, half of it pages. */
export const lagLevel = (ageMs: number, retentionMs: number): LagLevel => {
  if (ageMs > retentionMs * 0.5) return 'page'
  return ageMs > retentionMs * 0.25 ? 'alert' : 'none'
}

export type LagWatchOptions = {
  bus: Pick<Bus, 'lag' | 'read' | 'produce'>
  retentionMs: number
  bastion: string
  clock: Clock
  log: Logger
  registry: Registry
}

/** The same finding within an hour is the same event, whichever process found it. */
const eventOf = (at: GroupLag, level: LagLevel, ageMs: number, bastion: string, nowMs: number) => {
  const { group, topic, partition } = at
  const hour = Math.floor(nowMs / 3_600_000)
  return {
    id: hash('sha256', JSON.stringify(['bus-lag', group, topic, partition, level, hour])),
    at: new Date(nowMs).toISOString(),
    kind: 'recorder_health',
    source: 'ingest',
    bastion,
    status: 'ok', // recording goes on; `lagMs` is the finding
    agent: group,
    lagMs: ageMs,
    detail: `bus_lag ${level}: ${group} is ${Math.round(ageMs / 60_000)} min behind on ${topic}/${partition}`,
  }
}

/** Looks once a minute how old the oldest record is that each group has not committed. */
export const watchLag = (options: LagWatchOptions): { look(): Promise<void>; close(): Promise<void> } => {
  const { bus, retentionMs, bastion, clock, log, registry } = options
  const gauge = new Gauge({
    name: 'bartizan_bus_lag_seconds',
    help: 'age of the oldest record that a consumer group has not committed',
    labelNames: ['group', 'topic'] as const,
    registers: [registry],
  })
  const ageOf = async ({ topic, partition, committed, end }: GroupLag): Promise<number> => {
    if (committed >= end) return 0
    const [oldest] = await bus.read({ topic, partition }, committed, 1)
    return oldest ? Math.max(0, clock.now() - oldest.timestampMs) : 0
  }
  const report = async (at: GroupLag, ageMs: number): Promise<void> => {
    const level = lagLevel(ageMs, retentionMs)
    if (level === 'none') return
    const event = eventOf(at, level, ageMs, bastion, clock.now())
    log[level === 'page' ? 'fatal' : 'error']({ ...at, ageMs }, event.detail)
    await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
  }
  const look = async (): Promise<void> => {
    const oldest = new Map<string, { group: string; topic: string; ageMs: number }>()
    for (const at of await bus.lag()) {
      const ageMs = await ageOf(at)
      const name = `${at.group} ${at.topic}`
      if (ageMs >= (oldest.get(name)?.ageMs ?? 0)) oldest.set(name, { group: at.group, topic: at.topic, ageMs })
      await report(at, ageMs)
    }
    gauge.reset()
    for (const { group, topic, ageMs } of oldest.values()) gauge.set({ group, topic }, ageMs / 1000)
  }
  let looking: Promise<void> = Promise.resolve()
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    looking = look()
      .catch((err: unknown) => log.warn({ err }, 'the lag of the groups could not be read'))
      .finally(() => {
        isLooking = false
      })
  }, everyMs)
  return {
    look,
    close: async () => {
      clearInterval(timer)
      await looking
    },
  }
}
