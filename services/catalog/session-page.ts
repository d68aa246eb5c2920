import { z } from 'zod'
import type { Session, SessionLogin } from '../schema/session.ts'
import type { ConnectionSession, SessionRow } from './catalog.ts'

/**
 * Where a page of sessions ended. Which of them count as open is decided by the first page: those that end while
 * someone turns pages keep their place. `closings`: how many had ended, or the number of the last one that had, then.
 */
export const SessionPlace = z.object({
  closings: z.int(),
  open: z.boolean(),
  startedAtMs: z.int(),
  id: z.string().max(64),
})
export type SessionPlace = z.infer<typeof SessionPlace>

/** More of one connection are not looked at. */
export const maxConnectionEvents = 5_000

export const connectionSession = (row: SessionRow): ConnectionSession => {
  const { id, bastion, parentId, tty, startedAt, endedAt, recorded } = row
  return { id, bastion, parentId, tty, startedAt, endedAt, recorded }
}

/** `session`: as the indexer wrote it. */
export const sessionOf = (
  session: SessionRow,
  commandCount: number,
  isSealed: boolean,
  login: SessionLogin | null,
): Session => {
  const evidence = session.recorded ? (isSealed ? 'sealed' : 'pending') : 'none'
  return { ...session, person: null, evidence, commandCount, login }
}
