import { isOneOf, type KnownNames, matchesSession } from '../access/matches-session.ts'
import type { RetentionMatch } from '../schema/session-match.ts'

export type RetentionRule = { match: RetentionMatch; days: number }
/** What is known of a session when its first bytes become evidence. */
export type Recorded = { user: string; bastion: string; target: string | null }
/** For how many days its evidence is kept at least; 0: as long as any. */
export type DaysFor = (session: Recorded) => number
export type KnownLabels = { labelsOf(user: string, hosts: readonly string[]): readonly string[] }

const isLabelled = (
  { labels }: RetentionMatch,
  { user, bastion, target }: Recorded,
  { labelsOf }: KnownLabels,
): boolean => labels === undefined || isOneOf(labels, labelsOf(user, target === null ? [bastion] : [bastion, target]))

/** The longest of all that match. */
export const createRetentionRules =
  (rules: readonly RetentionRule[], known: KnownNames & KnownLabels): DaysFor =>
  (session) =>
    rules
      .filter(({ match }) => matchesSession(match, { ...session, person: null }, known))
      .filter(({ match }) => isLabelled(match, session, known))
      .reduce((longest, { days }) => Math.max(longest, days), 0)
