import type { BusRecord } from '#services/bus/bus.ts'
import type { PartitionWorker } from '#services/bus/partition-workers.ts'
import { causeOf } from '#services/dead-letters.ts'
import { alertWithoutContent } from '#services/erasure/without-content.ts'
import { hasCode } from '#services/errors.ts'
import { Alert } from '#services/schema/alert.ts'
import { type Decoded, decodeRecord } from '#services/schema/decode-record.ts'
import type { IndexerContext } from './context.ts'
import { createRowWorker, type Taken } from './row-worker.ts'

const noBastion = 'none' // of an alert over several

/** The key keeps what is said of an alert in order, so another one than its id must not be believed. */
const decodeAlert = (record: BusRecord): Decoded<Alert> => {
  const decoded = decodeRecord(Alert, record.value)
  if ('value' in decoded && decoded.value.id !== record.key) return { reason: 'the key is not the id of the alert' }
  return decoded
}

const isAboutAny = ({ sessionId, sessionIds }: Alert, ids: ReadonlySet<string>): boolean =>
  ids.has(sessionId ?? '') || sessionIds.some((id) => ids.has(id))

/** Indexes one partition of alerts: what the detectors found and what people decided. */
export const createAlertWorker = (
  ctx: IndexerContext,
  commit: (nextOffset: number) => Promise<void>,
): PartitionWorker => {
  const { catalog, deadLetters, erased, metrics } = ctx

  const putAlone = async ({ record, row }: Taken<Alert>): Promise<void> => {
    try {
      await catalog.putAlerts([row])
      metrics.alerts.inc()
    } catch (error) {
      if (!hasCode(error, 'BTZ_CATALOG_REFUSED')) throw error
      await deadLetters.write(record, causeOf(error)!)
    }
  }
  const put = async (said: Taken<Alert>[]): Promise<void> => {
    const gone = await erased.ids()
    const taken = said.map(({ record, row }) => ({
      record,
      row: isAboutAny(row, gone) ? alertWithoutContent(row) : row,
    }))
    try {
      await catalog.putAlerts(taken.map(({ row }) => row))
      metrics.alerts.inc(taken.length)
    } catch (error) {
      if (!hasCode(error, 'BTZ_CATALOG_REFUSED')) throw error
      for (const one of taken) await putAlone(one)
    }
  }
  return createRowWorker<Alert>(
    ctx,
    { decode: decodeAlert, bastionOf: ({ bastion }) => bastion ?? noBastion, put },
    commit,
  )
}
