import type { ConnectionSession, SessionRow } from '#services/catalog/catalog.ts'

/** Which session a nested sudo was started in. */

/** Two clocks of one host, and the time from an exec to the session it opens. */
const slackMs = 1_000

/** `sudoAtMs`: when it executed sudo, Unix ms. */
export type ParentCandidate = ConnectionSession & { sudoAtMs: readonly number[] }

type Child = { row: SessionRow; sshTty: string | null }

/** Not the login's own session, which has the terminal that sshd made; without one, only a sudo tells. */
export const mayBeNested = ({ row, sshTty }: Child): boolean =>
  row.connectionId !== null && row.parentId === null && (sshTty === null || row.tty !== sshTty)

const latest = <T extends ConnectionSession>(sessions: readonly T[]): T | null =>
  sessions.reduce<T | null>((last, one) => (last === null || one.startedAt >= last.startedAt ? one : last), null)

const isOpenAt = ({ startedAt, endedAt }: ConnectionSession, atMs: number): boolean =>
  Date.parse(startedAt) <= atMs && (endedAt === null || Date.parse(endedAt) >= atMs)

/** The login at this terminal and all that was started in it. */
const familyOf = (sessions: readonly ParentCandidate[], tty: string): ParentCandidate[] => {
  const family = sessions.filter((session) => session.tty === tty && session.parentId === null)
  for (const session of sessions) if (family.some(({ id }) => id === session.parentId)) family.push(session)
  return family
}

/** The last sudo before the session that no other session of the connection came from. */
const hasFreeSudo = (parent: ParentCandidate, sessions: readonly ParentCandidate[], startedAtMs: number): boolean => {
  const sudoAtMs = parent.sudoAtMs.findLast((atMs) => atMs <= startedAtMs + slackMs)
  if (sudoAtMs === undefined) return false
  return !sessions.some(({ parentId, startedAt }) => {
    const otherMs = Date.parse(startedAt)
    return parentId === parent.id && otherMs >= sudoAtMs - slackMs && otherMs < startedAtMs
  })
}

/** `sessions`: all of the connection, by start. Null: it is a login's own, or its parent is not known yet. */
export const parentOf = (child: Child, sessions: readonly ParentCandidate[]): string | null => {
  if (!mayBeNested(child)) return null
  const startedAtMs = Date.parse(child.row.startedAt)
  const others = sessions.filter(({ id }) => id !== child.row.id)
  const open = others.filter((session) => isOpenAt(session, startedAtMs))
  if (child.sshTty !== null) return latest(familyOf(open, child.sshTty))?.id ?? null
  return latest(open.filter((session) => hasFreeSudo(session, others, startedAtMs)))?.id ?? null
}
