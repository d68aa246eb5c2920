import type { Sighting } from '#hooks/agent/session-sightings.ts'
import type { Execve } from './execve.ts'

/** What was seen of a login's terminal: sudo opens a terminal of its own below it, in the same login session. */
export type LoginTerminals = {
  note(user: string, tty: string, ses: number): void
  sesOf(user: string, tty: string): number | null
}

const maxTerminals = 4096

export const createLoginTerminals = (): LoginTerminals => {
  const seen = new Map<string, number>()
  const key = (user: string, tty: string): string => `${tty} ${user}`
  return {
    note: (user, tty, ses) => {
      seen.delete(key(user, tty))
      seen.set(key(user, tty), ses)
      if (seen.size > maxTerminals) seen.delete(seen.keys().next().value ?? '')
    },
    sesOf: (user, tty) => seen.get(key(user, tty)) ?? null,
  }
}

const slackMs = 2_000 // sudo is executed before it opens its session, and clocks of sources differ

/** audit writes `pts7`, everybody else `/dev/pts/7`. */
const kernelName = (tty: string): string => tty.replace(/^\/dev\//, '').replace('/', '')

const wasOpen = ({ chain, closedMs }: Sighting, atMs: number): boolean =>
  atMs >= chain.facts.startedAtMs - slackMs && (closedMs === null || atMs <= closedMs + slackMs)

/**
 * The session in which something was executed: of the user who logged in, on its terminal or in the same login
 * session. Null where none is, or several could be. auid and ses are unset for what no login started: never joined.
 */
export const sessionOf = (
  { atMs, ses, tty }: Pick<Execve, 'atMs' | 'ses' | 'tty'>,
  user: string | null,
  sightings: readonly Sighting[],
  terminals: LoginTerminals,
): Sighting | null => {
  if (user === null) return null
  const own = sightings.filter((each) => each.chain.facts.user === user && wasOpen(each, atMs))
  const onTerminal = own.filter((each) => tty !== null && each.tty !== null && kernelName(each.tty) === tty)
  if (onTerminal.length === 1) return onTerminal[0]!
  if (ses === null) return null
  const inLogin = own.filter(
    (each) => each.auditSession === ses || (each.tty !== null && terminals.sesOf(user, kernelName(each.tty)) === ses),
  )
  return inLogin.length === 1 ? inLogin[0]! : null
}
