import type { Alert } from '../../schema/alert.ts'
import { ruleFacts } from '../../schema/rules.ts'
import type { SessionEvent } from '../../schema/session-event.ts'
import type { Format } from '../sink.ts'
import { consoleLink, itemAt, itemBastion, itemId, itemName, outcomeOf, ownFields } from './item-facts.ts'
import { cefSeverities, severityOf } from './severity.ts'
import { visible } from './visible.ts'
import { sentence } from './wording.ts'

type LeefFields = Record<string, string | number | boolean | null | undefined>

const ofEvent = (event: SessionEvent): LeefFields => ({
  cat: event.kind,
  src: event.sourceIp,
  srcPort: event.sourcePort,
  usrName: event.user,
  outcome: outcomeOf(event),
  sessionId: event.sessionId,
  target: event.target,
  agentSeq: event.agentSeq,
  prevHash: event.prevHash,
  ...ownFields(event),
  msg: sentence(event),
})

const ofAlert = (alert: Alert): LeefFields => ({
  cat: 'alert',
  src: alert.sourceIp,
  usrName: alert.user,
  sessionId: alert.sessionId,
  alertId: alert.id,
  revision: alert.revision,
  status: alert.withdrawn ? 'withdrawn' : alert.status,
  severity: alert.severity,
  entity: `${alert.entity.kind}:${alert.entity.key}`,
  check: alert.check,
  gap: alert.gap,
  count: alert.count,
  atMs: alert.atMs,
  firstEventAt: alert.firstEventAt,
  lastEventAt: alert.lastEventAt,
  sessionIds: alert.sessionIds.join(','),
  observed: alert.baseline?.observed,
  expected: alert.baseline?.expected,
  historySize: alert.baseline?.historySize,
  historyDays: alert.baseline?.historyDays,
  triageActor: alert.triage?.actor,
  triageReason: alert.triage?.reason,
  mitreTechnique: ruleFacts[alert.rule].technique.id,
  title: alert.title,
  msg: alert.explanation,
})

/** LEEF has no escape: a bar would end a field of the header. */
const header = (text: string): string => visible(text).replaceAll('|', '¦').slice(0, 512)

const isPresent = (value: LeefFields[string]): boolean => value !== null && value !== undefined && value !== ''

/** IBM's Log Event Extended Format 2.0, its fields parted by tabs; a tab in a value is shown as its picture. */
export const leef: Format = ({ seq, item }, about) => {
  const fields: LeefFields = {
    devTime: itemAt(item),
    devTimeFormat: "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    sev: cefSeverities[severityOf(item)],
    identHostName: itemBastion(item),
    eventId: itemId(item),
    sequence: seq,
    url: consoleLink(item, about),
    ...(item.type === 'event' ? ofEvent(item.event) : ofAlert(item.alert)),
  }
  const head = ['LEEF:2.0', 'Bartizan', 'Bartizan', about.version, itemName(item)].map(header)
  const pairs = Object.entries(fields).filter(([, value]) => isPresent(value))
  return `${head.join('|')}|x09|${pairs.map(([key, value]) => `${key}=${visible(String(value))}`).join('\t')}`
}
