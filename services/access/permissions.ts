import type { Action, Principal, Role } from '../schema/access.ts'

const readAlerts: Action[] = ['alert.list', 'rule.list', 'suppression.list']
const watch: Action[] = [
  'session.list',
  'session.view',
  'session.replay',
  'event.list',
  'user.view',
  'coverage.read',
  ...readAlerts,
]
const investigate: Action[] = [...watch, 'session.export', 'session.share', 'search', 'log.read']

const respond: Action[] = ['session.terminate', 'alert.triage', 'suppression.manage', 'access.approve']
/** Whoever keeps evidence sees which there is, and none of its content. */
const keep: Action[] = [
  'session.list',
  'coverage.read',
  'log.read',
  'custody.read',
  'custody.request',
  'custody.approve',
]

/** Everything that is not listed is forbidden. */
const allowed: Record<Role, ReadonlySet<Action>> = {
  admin: new Set([
    ...investigate,
    ...respond,
    ...keep,
    'agent.list',
    'agent.manage',
    'token.manage',
    'login.issue',
    'metrics.read',
    'ingest.write',
    'delivery.manage',
  ]),
  analyst: new Set([...investigate, ...respond]),
  oncall: new Set([...watch, 'alert.triage']),
  auditor: new Set([...investigate, 'agent.list', 'custody.read', 'custody.approve', 'access.approve']),
  custodian: new Set(keep),
  siem: new Set<Action>(['event.list', ...readAlerts]),
  ingest: new Set<Action>(['ingest.write']),
}

export const may = (role: Role, action: Action): boolean => allowed[role].has(action)

/** A bastion's token writes for that bastion only. An admin, who could make such a token, writes for any. */
export const mayWriteFor = (principal: Principal, bastion: string): boolean =>
  may(principal.role, 'ingest.write') && (principal.role === 'admin' || principal.bastion === bastion)
