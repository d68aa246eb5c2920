import { z } from 'zod'
import { rowWithoutContent } from '../erasure/without-content.ts'
import type { Session, SessionLogin } from '../schema/session.ts'
import type { ConnectionSession, ErasureState, SessionRow } from './catalog.ts'

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

/** What the recorder and the custodian know of its evidence. */
export type EvidenceFacts = { isSealed: boolean; erasure: ErasureState | null }

const evidenceOf = ({ recorded }: SessionRow, { isSealed, erasure }: EvidenceFacts): Session['evidence'] => {
  if (erasure !== null) return erasure
  if (!recorded) return 'none'
  return isSealed ? 'sealed' : 'pending'
}

/** `session`: as the indexer wrote it. */
export const sessionOf = (
  session: SessionRow,
  commandCount: number,
  facts: EvidenceFacts,
  login: SessionLogin | null,
): Session => {
  const evidence = evidenceOf(session, facts)
  const shown = facts.erasure === null ? session : rowWithoutContent(session)
  return { ...shown, person: null, evidence, commandCount, login }
}
