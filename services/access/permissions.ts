import type { Action, Principal, Role } from '../schema/access.ts'

const watch: Action[] = ['session.list', 'session.view', 'session.replay', 'event.list']
const investigate: Action[] = [...watch, 'session.export', 'search']

/** Everything that is not listed is forbidden. Nobody but a bastion's own token writes what counts as evidence. */
const allowed: Record<Role, ReadonlySet<Action>> = {
  admin: new Set([...investigate, 'session.terminate', 'token.manage', 'login.issue', 'metrics.read']),
  analyst: new Set([...investigate, 'session.terminate']),
  oncall: new Set(watch),
  auditor: new Set(investigate),
  siem: new Set<Action>(['event.list']),
  ingest: new Set<Action>(['ingest.write']),
}

export const may = (role: Role, action: Action): boolean => allowed[role].has(action)

/** A token writes for its own bastion only. */
export const mayWriteFor = (principal: Principal, bastion: string): boolean =>
  may(principal.role, 'ingest.write') && principal.bastion === bastion
