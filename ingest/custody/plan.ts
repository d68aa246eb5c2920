import type { Custody } from '#services/schema/custody.ts'

const weekMs = 7 * 86_400_000
const shortestWaitMs = 10_000
const longestWaitMs = 3_600_000

/** How every object of a session has to stand. `until`: null = as it is. */
export type Wanted = { held: boolean; until: Date | null }

/** The end of the next week: 7 to 14 days from now, and the same date for a week, so that little is written. */
const bridge = (nowMs: number): number => (Math.floor(nowMs / weekMs) + 2) * weekMs

/**
 * A held object also gets a date ahead, for a store that forgets the hold of what is past its date (versitygw 1.8 does:
 * auth/object_lock.go, checkObject).
 */
export const wantedOf = ({ holds, retention }: Pick<Custody, 'holds' | 'retention'>, nowMs: number): Wanted => {
  const held = holds.some(({ lifted }) => lifted === null)
  const untilMs = Math.max(held ? bridge(nowMs) : 0, retention === null ? 0 : Date.parse(retention.until))
  return { held, until: untilMs > nowMs ? new Date(untilMs) : null }
}

/** When to look again whether there is more of a session: soon while it grows, rarely when it does not. */
export const nextWaitMs = (lastMs: number, grew: boolean): number =>
  grew ? shortestWaitMs : Math.min(longestWaitMs, Math.max(shortestWaitMs, lastMs * 2))
