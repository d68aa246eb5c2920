import type { Format, FormatContext, Numbered } from '../sink.ts'
import { consoleLink, itemAt, itemId, itemName } from './item-facts.ts'
import { type Fields, jsonLine } from './json-line.ts'
import { alertInOcsf } from './ocsf-alert.ts'
import { eventInOcsf } from './ocsf-event.ts'
import { observablesOf } from './ocsf-observables.ts'
import { ocsfSeverities, severityOf } from './severity.ts'

const ocsfVersion = '1.8.0'

/** `classUid` = category * 1000 + class. `profiles`: whose attributes `rest` uses besides those of the class. */
export type OcsfPart = {
  classUid: number
  className: string
  activityId: number
  activityName: string
  profiles?: string[]
  rest: Fields
}

const metadata = ({ seq, item }: Numbered, about: FormatContext, profiles: string[]): Fields => ({
  version: ocsfVersion,
  product: { name: 'Bartizan', vendor_name: 'Bartizan', version: about.version },
  uid: itemId(item),
  sequence: seq,
  event_code: itemName(item),
  log_name: item.type === 'event' ? 'session-events' : 'alerts',
  log_provider: item.type === 'event' ? item.event.source : 'bartizan',
  reporter: { hostname: about.host },
  logged_time: item.type === 'event' && item.event.receivedAt ? Date.parse(item.event.receivedAt) : null,
  profiles,
  ...(about.shortenedFromBytes === undefined ? {} : { is_truncated: true, untruncated_size: about.shortenedFromBytes }),
})

/** Open Cybersecurity Schema Framework: one class per kind of event, alerts are Detection Findings. */
export const ocsf: Format = (numbered, about) => {
  const { item } = numbered
  const link = consoleLink(item, about)
  const part = item.type === 'event' ? eventInOcsf(item.event, link) : alertInOcsf(item.alert, link)
  return jsonLine({
    metadata: metadata(numbered, about, part.profiles ?? []),
    time: Date.parse(itemAt(item)),
    category_uid: Math.floor(part.classUid / 1000),
    class_uid: part.classUid,
    class_name: part.className,
    activity_id: part.activityId,
    activity_name: part.activityName,
    type_uid: part.classUid * 100 + part.activityId,
    severity_id: ocsfSeverities[severityOf(item)],
    ...part.rest,
    observables: observablesOf(part.rest),
  })
}
