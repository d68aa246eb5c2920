import type { ExecutionContext } from 'ava'
import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import type { RecorderContext } from '#ingest/recorder/context.ts'
import { createRecorderMetrics } from '#ingest/recorder/metrics.ts'
import { createFrameWorker } from '#ingest/recorder/worker.ts'
import type { BusRecord } from '#services/bus/bus.ts'
import type { Config } from '#services/config.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { type IngestBackends, ingestBackends, manualClock } from './ingest-backends.ts'

const control = { heartbeat: async () => {}, signal: new AbortController().signal }

/** Everything a topic of the bus holds, in the order of its only partition. */
export const recordsOf = (bus: IngestBackends['bus'], topic: BusRecord['topic']): Promise<BusRecord[]> =>
  bus.read({ topic, partition: 0 }, 0, 10_000)

export const eventsOf = async (bus: IngestBackends['bus']): Promise<SessionEvent[]> =>
  (await recordsOf(bus, 'session-events')).map(({ value }) => JSON.parse(Buffer.from(value).toString()))

/** Workers of one partition, one after another as after restarts, on real back ends and a clock that is moved by hand. */
export const frameWorkers = async (
  t: ExecutionContext<unknown>,
  ingest: Partial<Config['ingest']> = {},
  folder?: string,
) => {
  const clock = manualClock()
  const backends = await ingestBackends(t, { clock, ingest, ...(folder !== undefined && { folder }) })
  const metrics = createRecorderMetrics(backends.registry)
  const deadLetters = createCountedDeadLetters({ ...backends, where: 'recorder' }, metrics.deadLetters)
  const gate = createOriginGate({ ...backends, deadLetters })
  const ctx: RecorderContext = { ...backends, metrics, deadLetters, gate }
  const committed: number[] = []
  let offset = 0
  const recordOf = (value: Uint8Array, key = decodeBatchHeader(value).sessionId): BusRecord => ({
    topic: 'session-frames',
    partition: 0,
    offset: offset++,
    key,
    value,
    headers: {},
    timestampMs: clock.now(),
  })
  return {
    ...backends,
    clock,
    ctx,
    committed,
    recordOf,
    start: () => {
      const worker = createFrameWorker(ctx, async (nextOffset) => {
        committed.push(nextOffset)
      })
      return {
        ...worker,
        takeRecords: (records: BusRecord[]) => worker.takeRun(records, control),
        takeBatches: (...batches: Uint8Array[]) =>
          worker.takeRun(
            batches.map((batch) => recordOf(batch)),
            control,
          ),
      }
    },
  }
}
