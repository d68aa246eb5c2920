import type { Alert } from '../../schema/alert.ts'
import { ruleFacts } from '../../schema/rules.ts'
import { type CefFields, cefSource, labelled } from './cef-event.ts'

export const alertInCef = (alert: Alert): CefFields => [
  ['cat', 'alert'],
  ...cefSource(alert.sourceIp),
  ['suser', alert.user],
  ['dvchost', alert.bastion],
  ['act', alert.withdrawn ? 'withdrawn' : alert.status],
  ['cnt', alert.count],
  ['start', Date.parse(alert.firstEventAt)],
  ['end', Date.parse(alert.lastEventAt)],
  ['reason', alert.triage?.reason],
  ...labelled('cn2', 'revision', alert.revision),
  ...labelled('cn3', 'historySize', alert.baseline?.historySize),
  ...labelled('cs1', 'sessionId', alert.sessionId),
  ...labelled('cs2', 'alertId', alert.id),
  ...labelled('cs3', 'observed', alert.baseline?.observed),
  ...labelled('cs4', 'expected', alert.baseline?.expected),
  ...labelled('cs5', 'entity', `${alert.entity.kind}:${alert.entity.key}`),
  ...labelled('flexString1', 'gap', alert.gap ?? alert.check),
  ...labelled('flexString2', 'mitreTechnique', ruleFacts[alert.rule].technique.id),
  ['msg', `${alert.title}: ${alert.explanation}`],
]
