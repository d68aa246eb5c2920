import type { Session } from '../schema/session.ts'
import type { SessionMatch } from '../schema/session-match.ts'

/** What the operator's directory knows of names. */
export type KnownNames = {
  /** All other names of somebody. */
  namesOf(name: string): readonly string[]
  teamOf(user: string): string | null
  groupsOf(host: string): readonly string[]
}
type Matched = Pick<Session, 'user' | 'person' | 'bastion' | 'target'>

/** Whether one of the names is in the list, in any case; without a list: yes. */
export const isOneOf = (list: readonly string[] | undefined, names: readonly (string | null)[]): boolean => {
  if (list === undefined) return true
  const wanted = new Set(list.map((name) => name.toLowerCase()))
  return names.some((name) => name !== null && wanted.has(name.toLowerCase()))
}

export const matchesSession = (
  { users, teams, hosts, groups }: SessionMatch,
  { user, person, bastion, target }: Matched,
  { namesOf, teamOf, groupsOf }: KnownNames,
): boolean => {
  const places = target === null ? [bastion] : [bastion, target]
  return (
    isOneOf(users, [user, person, ...namesOf(user)]) &&
    isOneOf(teams, [teamOf(user)]) &&
    isOneOf(hosts, places) &&
    isOneOf(groups, places.flatMap(groupsOf))
  )
}
