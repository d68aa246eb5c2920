import { hash } from 'node:crypto'
import { type BulkOutcome, sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { PutEvents } from './catalog.ts'
import { eventMonth } from './elastic-event-index.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { eventText } from './search-text.ts'
import { createWriteQueue } from './write-queue.ts'

const maxCallsTogether = 64

/** Orders rows of one millisecond: 52 bits, which JavaScript and Elasticsearch hold exactly. */
export const tieOf = (id: string): number => Number.parseInt(hash('sha256', id).slice(0, 13), 16)

/** A member of a JSON object; half a surrogate pair has no form that Elasticsearch takes. */
export const member = (name: string, value: string | null | undefined): string =>
  value === null || value === undefined ? '' : `,"${name}":${JSON.stringify(value.toWellFormed())}`

const putOf = (outcomes: BulkOutcome[]): PutEvents => {
  const refused = outcomes.flatMap((one, index) =>
    one.outcome === 'refused' ? [{ index, reason: `Elasticsearch refuses the event: ${one.reason}` }] : [],
  )
  return {
    inserted: outcomes.filter(({ outcome }) => outcome === 'done').length,
    duplicates: outcomes.filter(({ outcome }) => outcome === 'exists').length,
    ...(refused.length > 0 && { refused }),
  }
}

export const eventDocument = (event: SessionEvent, termMembers: TermMembers): string => {
  const fields =
    `"at":${Date.parse(event.at)},"tie":${tieOf(event.id)},"kind":"${event.kind}"` +
    member('user', event.user) +
    member('bastion', event.bastion) +
    member('sessionId', event.sessionId) +
    member('sourceIp', event.sourceIp) +
    member('target', event.target) +
    member('outcome', event.outcome) +
    (typeof event.connectionId === 'string' ? member('connectionId', event.connectionId) : '')
  return `{${fields},${termMembers(eventText(event))},"row":${JSON.stringify(JSON.stringify(event))}}\n`
}

export const createEventWriter = (elastic: Elastic, indices: CatalogIndices, termMembers: TermMembers) => {
  const itemOf = (event: SessionEvent): string => {
    const id = JSON.stringify(event.id.toWellFormed())
    const action = `{"create":{"_index":"${indices.eventsOf(eventMonth(event))}","_id":${id}}}\n`
    return action + eventDocument(event, termMembers)
  }

  // Each request costs Elasticsearch a sync of its log: what many partitions put at the same time goes together.
  const queue = createWriteQueue<string[]>(
    async (calls) => {
      const outcomes = await sendBulk(elastic, calls.flat())
      let first = 0
      return calls.map(({ length }) => {
        first += length
        return { result: putOf(outcomes.slice(first - length, first)) }
      })
    },
    { maxTogether: maxCallsTogether },
  )
  return {
    putEvents: (events: SessionEvent[]): Promise<PutEvents> => queue.add(events.map(itemOf)) as Promise<PutEvents>,
    drained: queue.drained,
  }
}
