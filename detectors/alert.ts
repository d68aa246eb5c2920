import { hash } from 'node:crypto'
import type { Alert } from '#services/schema/alert.ts'
import type { Incident } from './engine/folded.ts'
import type { Subject } from './rule.ts'

const maxSessions = 100
const iso = (atMs: number): string => new Date(atMs).toISOString()

/** The same for everything that is said of one incident, whoever says it. */
export const alertId = ({ kind, key }: Subject, { ruleId, window }: Pick<Incident, 'ruleId' | 'window'>): string =>
  hash('sha256', `bartizan-alert-v0\n${ruleId}\n${kind}\n${key}\n${window}`).slice(0, 32)

/** What is published of an incident. */
export const alertOf = (subject: Subject, incident: Incident, withdrawn: boolean): Alert => {
  const { finding } = incident
  const sessionIds = [...new Set([...(finding.sessionIds ?? []), ...incident.opened])].slice(0, maxSessions)
  return {
    id: alertId(subject, incident),
    revision: incident.revision + (withdrawn ? 1 : 0),
    rule: incident.ruleId,
    severity: finding.severity,
    status: withdrawn || finding.isOver ? 'resolved' : 'open',
    title: finding.title.slice(0, 256),
    at: iso(incident.decidedMs),
    entity: subject,
    user: finding.user ?? (subject.kind === 'user' ? subject.key : null),
    sourceIp: finding.sourceIp ?? null,
    bastion: finding.bastion ?? (subject.kind === 'bastion' ? subject.key : null),
    check: finding.check ?? null,
    sessionId: sessionIds[0] ?? null,
    sessionIds,
    atMs: finding.atMs ?? (sessionIds.length > 0 ? 0 : null),
    gap: finding.gap ?? null,
    count: finding.count,
    firstEventAt: iso(finding.firstEventMs),
    lastEventAt: iso(finding.lastEventMs),
    explanation: finding.explanation.slice(0, 4096),
    baseline: finding.baseline ?? null,
    withdrawn,
    triage: null,
  }
}
