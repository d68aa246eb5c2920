import { z } from 'zod'

/** Sessions of sudo, su and login that go on, and terminals of which it was told that nobody explains them; bounded. */

const minuteMs = 60_000
const limitMs = 30 * 24 * 60 * minuteMs
/** What begins on a terminal within that of the last belongs to the same stay at it. */
const stayMs = 30 * minuteMs
const maxSessions = 1_024
const maxStays = 1_024

export const LocalSession = z.object({
  host: z.string(),
  program: z.string(),
  pid: z.string(),
  user: z.string(),
  target: z.string().nullable(),
  tty: z.string().nullable(),
  /** Of the stay that was told; null: another session explains it. */
  connectionId: z.string().nullable(),
  atMs: z.number(),
})
export type LocalSession = z.infer<typeof LocalSession>
export const LocalStay = z.object({ key: z.string(), connectionId: z.string(), lastMs: z.number() })
export type LocalStay = z.infer<typeof LocalStay>

type Start = Omit<LocalSession, 'connectionId'>

const keyOf = ({ host, program, user, target, tty, pid }: Omit<LocalSession, 'connectionId' | 'atMs'>): string =>
  JSON.stringify([host, program, user, target, tty, program === 'sudo' ? '' : pid])
const stayKey = ({ host, user, tty }: Start): string => JSON.stringify([host, user, tty])

const bound = (map: Map<string, unknown>, max: number): void => {
  while (map.size > max) map.delete(map.keys().next().value!)
}

export const createLocalSessions = (snapshot: { locals: LocalSession[]; stays: LocalStay[] }) => {
  const sessions = new Map(snapshot.locals.map((session) => [keyOf(session), session]))
  const stays = new Map(snapshot.stays.map((stay) => [stay.key, stay]))

  /** sudo writes no process number by default: then it is the last one that began. */
  const lastOf = (host: string, program: string, target: string, pid: string): LocalSession | undefined => {
    const some = [...sessions.values()].filter(
      (one) => one.host === host && one.program === program && (one.target ?? target) === target,
    )
    const exact = pid === '' ? undefined : some.findLast((one) => one.pid === pid)
    return exact ?? some.findLast((one) => one.pid === '' || pid === '')
  }

  return {
    /** Whether somebody became this user by one that goes on, so that what he starts is inside of that. */
    isInside: ({ host, user }: Start, nowMs: number): boolean => {
      for (const one of sessions.values())
        if (one.host === host && one.target === user && one.atMs > nowMs - limitMs) return true
      return false
    },
    begin: (start: Start, connectionId: string | null): void => {
      const session = { ...start, connectionId }
      sessions.delete(keyOf(session))
      sessions.set(keyOf(session), session)
      bound(sessions, maxSessions)
    },
    end: (host: string, program: string, target: string, pid: string): LocalSession | undefined => {
      const session = lastOf(host, program, target, pid)
      if (session) sessions.delete(keyOf(session))
      return session
    },
    /** The stay at the terminal that was told already. */
    stay: (start: Start): string | null => {
      const stay = stays.get(stayKey(start))
      return stay && Math.abs(start.atMs - stay.lastMs) <= stayMs ? stay.connectionId : null
    },
    staying: (start: Start, connectionId: string): void => {
      const key = stayKey(start)
      stays.delete(key)
      stays.set(key, { key, connectionId, lastMs: start.atMs })
      bound(stays, maxStays)
    },
    snapshot: (): { locals: LocalSession[]; stays: LocalStay[] } => ({
      locals: [...sessions.values()],
      stays: [...stays.values()],
    }),
  }
}
export type LocalSessions = ReturnType<typeof createLocalSessions>
