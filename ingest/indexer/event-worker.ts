import { createConnectionLedger } from '#ingest/ledger/connection-ledger.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { eventWithoutContent } from '#services/erasure/without-content.ts'
import { receivedEvent } from '#services/origin/received-event.ts'
import { decodeRecord } from '#services/schema/decode-record.ts'
import { graceMs } from '#services/schema/ledger-deadlines.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import type { IndexerContext } from './context.ts'
import { createRowWorker } from './row-worker.ts'

/** Indexes one partition of session-events. */
export const createEventWorker = (
  ctx: IndexerContext,
  commit: (nextOffset: number) => Promise<void>,
  partition: number,
): PartitionWorker => {
  const { bus, catalog, deadLetters, erased, metrics } = ctx
  const ledger = createConnectionLedger({ ...ctx, graceMs: ctx.graceMs ?? graceMs })
  const isOurs = (bastion: string): boolean => partitionOfKey(bastion, bus.partitions('session-events')) === partition
  return createRowWorker<SessionEvent>(
    ctx,
    {
      decode: (record) => decodeRecord(SessionEvent, record.value),
      bastionOf: ({ bastion }) => bastion,
      tick: () => ledger.tick(isOurs),
      put: async (taken) => {
        const gone = await erased.ids()
        const events = taken.map(({ record, row }) => {
          const event = receivedEvent(row, record)
          return gone.has(event.sessionId ?? '') ? eventWithoutContent(event) : event
        })
        const { inserted, duplicates, refused = [] } = await catalog.putEvents(events)
        for (const { index, reason } of refused)
          await deadLetters.write(taken[index]!.record, { code: 'BTZ_CATALOG_REFUSED', reason })
        metrics.events.inc(inserted)
        metrics.duplicateEvents.inc(duplicates)
        const isRefused = new Set(refused.map(({ index }) => index))
        await ledger.take(events.filter((_, index) => !isRefused.has(index)))
      },
    },
    commit,
  )
}
