import type { Alert } from '../../schema/alert.ts'
import { attackVersion, ruleFacts } from '../../schema/rules.ts'
import { isClosed } from './item-facts.ts'
import type { Fields } from './json-line.ts'
import { attackOf } from './mitre.ts'
import type { OcsfPart } from './ocsf.ts'
import { device, endpoint, session, user } from './ocsf-objects.ts'
import { ocsfSeverities, riskScores } from './severity.ts'

/** New, in progress, resolved. */
const statusIds = { open: 1, acknowledged: 2, resolved: 4, false_positive: 4 } as const

const activity = (alert: Alert): [number, string] => {
  if (isClosed(alert)) return [3, 'Close']
  return alert.revision === 1 && alert.triage === null ? [1, 'Create'] : [2, 'Update']
}

const attack = (alert: Alert): Fields => {
  const { tactic, technique, subtechnique } = attackOf(alert.rule)
  const named = (of: { id: string; name: string } | null): Fields | null => of && { uid: of.id, name: of.name }
  return {
    version: attackVersion,
    tactic: named(tactic),
    technique: named(technique),
    sub_technique: named(subtechnique),
  }
}

const findingInfo = (alert: Alert, consoleLink: string | null): Fields => ({
  uid: alert.id,
  title: alert.title,
  desc: alert.explanation,
  types: [alert.rule],
  attacks: [attack(alert)],
  analytic: { uid: alert.rule, name: ruleFacts[alert.rule].title, type_id: 2 }, // behavioral
  created_time: Date.parse(alert.at),
  first_seen_time: Date.parse(alert.firstEventAt),
  last_seen_time: Date.parse(alert.lastEventAt),
  modified_time: alert.triage ? Date.parse(alert.triage.at) : null,
  src_url: consoleLink,
})

const evidence = (alert: Alert): Fields => ({
  src_endpoint: endpoint(alert.sourceIp),
  user: alert.user ? user(alert.user) : null,
  device: alert.bastion ? device(alert.bastion) : null,
  actor: alert.sessionId ? { session: session(alert.sessionId) } : null,
  data: { entity: alert.entity },
  verdict_id: alert.status === 'false_positive' ? 1 : null,
})

export const alertInOcsf = (alert: Alert, consoleLink: string | null): OcsfPart => {
  const [activityId, activityName] = activity(alert)
  return {
    classUid: 2004,
    className: 'Detection Finding',
    activityId,
    activityName,
    rest: {
      message: alert.title,
      finding_info: findingInfo(alert, consoleLink),
      is_alert: alert.severity !== 'info',
      status_id: isClosed(alert) ? 4 : statusIds[alert.status],
      status_detail: alert.withdrawn ? 'withdrawn: later evidence took its ground away' : alert.status,
      comment: alert.triage?.reason,
      count: alert.count > 0 ? alert.count : null,
      start_time: Date.parse(alert.firstEventAt),
      end_time: Date.parse(alert.lastEventAt),
      risk_score: riskScores[alert.severity],
      risk_level_id: ocsfSeverities[alert.severity] - 1,
      evidences: [evidence(alert)],
      unmapped: {
        revision: alert.revision,
        withdrawn: alert.withdrawn,
        check: alert.check,
        gap: alert.gap,
        atMs: alert.atMs,
        sessionIds: alert.sessionIds,
        baseline: alert.baseline,
        triage: alert.triage,
      },
    },
  }
}
