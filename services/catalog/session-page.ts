import { z } from 'zod'
import type { Session } from '../schema/session.ts'
import type { SessionRow } from './catalog.ts'

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

/** `row`: the JSON that the indexer wrote. */
export const sessionOf = (row: string, commandCount: number, isSealed: boolean): Session => {
  const session = JSON.parse(row) as SessionRow
  const evidence = session.recorded ? (isSealed ? 'sealed' : 'pending') : 'none'
  return { ...session, person: null, evidence, commandCount }
}
