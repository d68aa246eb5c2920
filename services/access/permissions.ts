import type { Action, Principal, Role } from '../schema/access.ts'

const watch: Action[] = ['session.list', 'session.view', 'session.replay', 'event.list']
const investigate: Action[] = [...watch, 'session.export', 'search']

/** Everything that is not listed is forbidden. */
const allowed: Record<Role, ReadonlySet<Action>> = {
  admin: new Set([...investigate, 'session.terminate', 'token.manage', 'login.issue', 'metrics.read', 'ingest.write']),
  analyst: new Set([...investigate, 'session.terminate']),
  oncall: new Set(watch),
  auditor: new Set(investigate),
  siem: new Set<Action>(['event.list']),
  ingest: new Set<Action>(['ingest.write']),
}

export const may = (role: Role, action: Action): boolean => allowed[role].has(action)

/** A bastion's token writes for that bastion only. An admin, who could make such a token, writes for any. */
export const mayWriteFor = (principal: Principal, bastion: string): boolean =>
  may(principal.role, 'ingest.write') && (principal.role === 'admin' || principal.bastion === bastion)
