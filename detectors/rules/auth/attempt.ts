import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Directory } from '../../directory/directory.ts'

/** What a failed login was aimed at. harmless: the password was right, it had only expired. */
export type Aim = 'nobody' | 'system' | 'account' | 'harmless'
export type Login = Extract<SessionEvent, { kind: 'login' | 'login_failed' }>

// Every host has them, so every scanner of the internet tries them.
const systemNames: ReadonlySet<string> = new Set(
  'root bin daemon adm sys sync mail man news nobody games lp uucp proxy backup list www-data sshd'.split(' '),
)
const maxNameLength = 48

export const nameOf = ({ user }: Login, directory: Directory): string =>
  directory.canonical(user ?? '').slice(0, maxNameLength)

export const aimOf = (event: Login, name: string, timeMs: number, directory: Directory): Aim => {
  if (event.kind === 'login_failed' && event.reason === 'password_expired') return 'harmless'
  if (name === '') return 'nobody'
  const isKnown = directory.person(name, timeMs) !== null
  if (event.kind === 'login_failed' && event.reason === 'invalid_user') return isKnown ? 'account' : 'nobody'
  return !isKnown && systemNames.has(name) ? 'system' : 'account'
}

/** A key that is not the right one is nothing that was guessed: clients offer all that they have. */
export const isKeyOffer = (event: Login): boolean =>
  event.kind === 'login_failed' && (event.reason === 'key_rejected' || event.method === 'publickey')
