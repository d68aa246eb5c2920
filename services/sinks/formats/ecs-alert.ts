import type { Alert } from '../../schema/alert.ts'
import { ruleFacts } from '../../schema/rules.ts'
import type { EcsPart } from './ecs.ts'
import { ecsEndpoint, ecsRelated } from './ecs-related.ts'
import type { Fields } from './json-line.ts'
import { attackOf } from './mitre.ts'
import { riskScores } from './severity.ts'

const bartizanFields = (alert: Alert): Fields => ({
  session_id: alert.sessionId,
  alert: {
    id: alert.id,
    revision: alert.revision,
    severity: alert.severity,
    status: alert.status,
    withdrawn: alert.withdrawn,
    entity: alert.entity,
    check: alert.check,
    gap: alert.gap,
    count: alert.count,
    at_ms: alert.atMs,
    session_ids: alert.sessionIds,
    baseline: alert.baseline && {
      observed: alert.baseline.observed,
      expected: alert.baseline.expected,
      history_size: alert.baseline.historySize,
      history_days: alert.baseline.historyDays,
    },
    triage: alert.triage,
  },
})

const listed = (of: { id: string; name: string } | null): Fields => ({
  id: of ? [of.id] : [],
  name: of ? [of.name] : [],
})
const threat = (alert: Alert): Fields => {
  const { tactic, technique, subtechnique } = attackOf(alert.rule)
  return {
    framework: 'MITRE ATT&CK',
    tactic: listed(tactic),
    technique: { ...listed(technique), subtechnique: listed(subtechnique) },
  }
}

export const alertInEcs = (alert: Alert): EcsPart => ({
  event: {
    kind: 'alert',
    category: ['intrusion_detection'],
    type: ['info'],
    action: alert.rule,
    dataset: 'bartizan.alerts',
    provider: 'bartizan',
    risk_score: riskScores[alert.severity],
    reason: alert.explanation,
    start: alert.firstEventAt,
    end: alert.lastEventAt,
  },
  rest: {
    message: alert.title,
    source: ecsEndpoint(alert.sourceIp),
    user: { name: alert.user },
    related: ecsRelated({ users: [alert.user, alert.triage?.actor], ips: [alert.sourceIp], hosts: [alert.bastion] }),
    rule: {
      id: alert.rule,
      name: ruleFacts[alert.rule].title,
      description: ruleFacts[alert.rule].description,
      ruleset: 'bartizan',
    },
    threat: threat(alert),
    bartizan: bartizanFields(alert),
  },
})
