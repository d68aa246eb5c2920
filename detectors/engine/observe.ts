import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Directory } from '../directory/directory.ts'
import { networkOf } from '../geo/network-of.ts'
import type { Observed, Subject } from '../rule.ts'

/** An event dated into the future would make all that follows look late. */
const maxAheadMs = 5 * 60_000

export const observe = (event: SessionEvent): Observed => {
  const saidMs = Date.parse(event.at)
  const isDelayed = event.receivedAt !== undefined && event.receivedAt !== event.at
  const timeMs = isDelayed ? Math.min(saidMs, Date.parse(event.receivedAt!) + maxAheadMs) : saidMs
  return { event, timeMs, origin: null }
}

const userOf = ({ user }: SessionEvent, directory: Directory): Subject[] =>
  user ? [{ kind: 'user', key: directory.canonical(user).slice(0, 256) }] : []

/** Names nobody has are the attacker's to invent: each would be an entity. */
const isOfNobody = (event: SessionEvent): boolean => event.kind === 'login_failed' && event.reason === 'invalid_user'

/** Whose event it is. Logins go to their network first, and from there on to the user (`forwardedTo`). */
export const subjectsOf = ({ event }: Observed, directory: Directory): Subject[] => {
  if (event.kind === 'access') return [] // about Bartizan's own console
  if (event.kind === 'recorder_health') return [{ kind: 'bastion', key: event.bastion }]
  if (event.kind !== 'login' && event.kind !== 'login_failed') return userOf(event, directory)
  const network = event.sourceIp ? networkOf(event.sourceIp) : null
  if (network !== null) return [{ kind: 'network', key: network }]
  return isOfNobody(event) ? [] : userOf(event, directory)
}

/** Where a network sends an event on to. */
export const forwardedTo = ({ event }: Observed, directory: Directory): Subject[] =>
  isOfNobody(event) ? [] : userOf(event, directory)
