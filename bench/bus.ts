import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '#services/bus/bus.ts'
import { createLogBus } from '#services/bus/log-bus.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'

/** How fast the embedded bus takes records, each call awaited by its caller; run: `node bench/bus.ts` */
const MiB = 1024 * 1024
const secondsEach = 2

const measure = async (bus: Bus, recordBytes: number, callers: number) => {
  const value = Buffer.alloc(recordBytes, 7)
  const endMs = performance.now() + secondsEach * 1000
  const startCpu = process.cpuUsage()
  let records = 0
  const caller = async (_: unknown, name: number): Promise<void> => {
    for (; performance.now() < endMs; records++) {
      await bus.produce([{ topic: 'session-frames', key: `caller-${name}`, value }])
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const { user, system } = process.cpuUsage(startCpu)
  return {
    'record bytes': recordBytes,
    callers,
    'records/s': Math.round(records / secondsEach),
    'MB/s': Number(((records * recordBytes) / secondsEach / 1e6).toFixed(1)),
    'CPU us/record': Math.round((user + system) / records),
  }
}

const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
try {
  const log = createLogger('bench', 'warn')
  const sizes = { partitions: 8, segmentBytes: 64 * MiB, retentionMs: 3_600_000, maxRecordBytes: 4 * MiB }
  const bus = await createLogBus({ folder, ...sizes, clock: systemClock, log })
  const rows = []
  for (const recordBytes of [256, 1024, 64 * 1024]) {
    for (const callers of [1, 32]) rows.push(await measure(bus, recordBytes, callers))
  }
  console.table(rows)
  await bus.close()
} finally {
  await rm(folder, { recursive: true })
}
