import type { Bus } from '#services/bus/bus.ts'
import { createLogBus, type LogBusOptions } from '#services/bus/log-bus.ts'
import { createLogger } from '#services/log.ts'

export type LogBusSettings = Partial<Omit<LogBusOptions, 'clock' | 'log'>> & { folder: string; aheadMs?: number }

export const retentionMs = 3_600_000

/** Small files, so that tests cross from one to the next; a clock that may be ahead. For this process or a child. */
export const openLogBus = ({ aheadMs = 0, ...settings }: LogBusSettings): Promise<Bus> =>
  createLogBus({
    partitions: 4,
    segmentBytes: 16 * 1024,
    retentionMs,
    maxRecordBytes: 256 * 1024,
    clock: { now: () => Date.now() + aheadMs },
    log: createLogger('bus-test', 'silent'),
    ...settings,
  })
