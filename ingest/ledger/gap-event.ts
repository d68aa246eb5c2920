import { hash } from 'node:crypto'
import type { SessionRow } from '#services/catalog/catalog.ts'
import type { SessionState } from '#services/schema/session.ts'

/** Gaps that are found in what was recorded; those of sessions that nobody recorded are told by sshd's events. */
const gaps: ReadonlySet<SessionState> = new Set(['recorder_killed', 'truncated'])
const isGap = (state: SessionState | null): state is 'recorder_killed' | 'truncated' =>
  state !== null && gaps.has(state)

const words = {
  recorder_killed: 'the stream ended without the exit of the session',
  truncated: 'the recording was cut short',
} as const

/**
 * What the bus is told when a recorded session becomes a gap, or is none any more; null: neither. `stands`: what the ledger
 * said before. The id follows from session and finding, so saying it twice is once.
 */
export const gapEvent = (row: SessionRow, stands: SessionState | null, nowMs: number) => {
  const { id: sessionId, state, bastion, user, sourceIp, sourcePort, connectionId, startedAt, endedAt } = row
  if (state === stands || (!isGap(state) && !isGap(stands))) return null
  const gap = isGap(state) ? state : null
  const atMs = Math.max(Date.parse(startedAt), Math.min(nowMs, Date.parse(endedAt ?? new Date(nowMs).toISOString())))
  const why = row.endDetail === null ? '' : `: ${row.endDetail}`
  return {
    id: hash('sha256', JSON.stringify(['ledger', sessionId, gap, isGap(stands) ? stands : null])),
    at: new Date(gap === null ? nowMs : atMs).toISOString(),
    kind: 'recorder_health',
    source: 'ledger',
    ...{ bastion, user, sourceIp, sourcePort, connectionId, sessionId },
    status: gap === 'recorder_killed' ? 'killed' : gap === 'truncated' ? 'stopped' : 'ok',
    gap,
    detail: (gap ? `${words[gap]}${why}` : 'the rest of the recording arrived').slice(0, 1_000),
  }
}
