import { type KnownNames, matchesSession } from '../access/matches-session.ts'
import type { SessionMatch } from '../schema/session-match.ts'

export type RetentionRule = { match: SessionMatch; days: number }
/** What is known of a session when its first bytes become evidence. */
export type Recorded = { user: string; bastion: string; target: string | null }
/** For how many days its evidence is kept at least; 0: as long as any. */
export type DaysFor = (session: Recorded) => number

/** The longest of all that match. */
export const createRetentionRules =
  (rules: readonly RetentionRule[], known: KnownNames): DaysFor =>
  (session) =>
    rules
      .filter(({ match }) => matchesSession(match, { ...session, person: null }, known))
      .reduce((longest, { days }) => Math.max(longest, days), 0)
