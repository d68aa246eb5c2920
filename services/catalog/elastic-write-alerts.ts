import { addressKey } from '../address-key.ts'
import { type BulkItem, sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { getStanding, type Standing } from '../elastic/elastic-get.ts'
import { BartizanError } from '../errors.ts'
import type { Alert } from '../schema/alert.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { member, tieOf } from './elastic-write-events.ts'
import { mergedAlert } from './merged-alert.ts'
import { alertText } from './search-text.ts'
import { createWriteQueue } from './write-queue.ts'

/** What stands is read first, so a request is as large as what comes back: some thousand alerts at most. */
const maxCallsTogether = 8

type Stored = { row: string }
type Present = Standing<Stored> | null

/** Refused where somebody else wrote in between. */
export const standingAction = (index: string, id: string, { seqNo, term }: Standing<unknown>): string =>
  `{"index":{"_index":"${index}","_id":${JSON.stringify(id)},"if_seq_no":${seqNo},"if_primary_term":${term}}}\n`

const actionOf = (index: string, id: string, present: Present): string =>
  present === null ? `{"create":{"_index":"${index}","_id":"${id}"}}\n` : standingAction(index, id, present)

export const alertDocument = (alert: Alert, termMembers: TermMembers): string => {
  const words = (['rule', 'severity', 'status', 'user', 'bastion', 'sourceIp'] as const)
    .map((name) => member(name, alert[name]))
    .join('')
  const sourceKey = member('sourceKey', alert.sourceIp === null ? null : addressKey(alert.sourceIp))
  const sessionIds = JSON.stringify(alert.sessionIds.map((id) => id.toWellFormed()))
  const fields = `"at":${Date.parse(alert.at)},"tie":${tieOf(alert.id)},"withdrawn":${alert.withdrawn}`
  const row = JSON.stringify(JSON.stringify(alert))
  return `{${fields}${words}${sourceKey},"sessionIds":${sessionIds},${termMembers(alertText(alert))},"row":${row}}\n`
}

export const createAlertWriter = (elastic: Elastic, indices: CatalogIndices, termMembers: TermMembers) => {
  const index = indices.alerts

  const itemsOf = (said: ReadonlyMap<string, Alert[]>, present: readonly Present[]): BulkItem[] =>
    [...said].flatMap(([id, all], at) => {
      const standing = present[at] ?? null
      const before = standing ? (JSON.parse(standing.source.row) as Alert) : null
      const alert = all.reduce<Alert | null>(mergedAlert, before)!
      if (JSON.stringify(alert) === standing?.source.row) return []
      return [actionOf(index, id, standing) + alertDocument(alert, termMembers)]
    })

  /** What is said goes on top of what stands, so nobody else may have written in between: whoever did is read anew. */
  const put = async (alerts: readonly Alert[]): Promise<void> => {
    const said = Map.groupBy(alerts, ({ id }) => id)
    const places = [...said.keys()].map((_id) => ({ _index: index, _id, _source: ['row'] }))
    const present = places.length === 0 ? [] : await getStanding<Stored>(elastic, places)
    for (const one of await sendBulk(elastic, itemsOf(said, present))) {
      if (one.outcome === 'refused')
        throw new BartizanError('BTZ_CATALOG_REFUSED', `Elasticsearch refuses an alert: ${one.reason}`)
      if (one.outcome === 'exists')
        throw new BartizanError('BTZ_UNAVAILABLE', 'another process wrote the same alert at the same time')
    }
  }

  const queue = createWriteQueue<Alert[]>(
    async (calls) => {
      if (calls.length > 1) {
        try {
          await put(calls.flat())
          return calls.map(() => ({ result: undefined }))
        } catch (error) {
          if (!(error instanceof BartizanError) || error.code !== 'BTZ_CATALOG_REFUSED') throw error
        }
      }
      const outcomes = []
      for (const call of calls) outcomes.push(await put(call).then(() => ({ result: undefined }), refusalOf))
      return outcomes
    },
    { maxTogether: maxCallsTogether },
  )
  return {
    putAlerts: async (alerts: Alert[]): Promise<void> => {
      await queue.add(alerts)
    },
    drained: queue.drained,
  }
}

const refusalOf = (error: unknown) => {
  if (error instanceof BartizanError) return { code: error.code, message: error.message }
  throw error
}
