import type { OpenSession } from '../session.ts'
import { elapsedMs } from './plan-order.ts'

const headWaitMs = 2_000 // the agent signs its head right after the end
const forgetAfterMs = 60_000

export type CloseReason = 'size' | 'age' | 'seal'

/** Whether the open block has to be closed before `nextBytes` more may be appended. */
export const isFull = ({ block }: OpenSession, nextBytes: number, blockMaxBytes: number): boolean =>
  block !== null && (block.finished !== null || block.builder.sizeBytes + nextBytes > blockMaxBytes)

/** What time demands of a session: its end sealed, its block closed. */
export const planClose = (session: OpenSession, nowMs: number, blockMaxMs: number): CloseReason | null => {
  const { end, block, sealHold } = session
  if (end !== null && sealHold !== null) {
    return end.headSeen || elapsedMs(nowMs, end.atMs) >= headWaitMs ? 'seal' : null
  }
  return block !== null && elapsedMs(nowMs, block.openedAtMs) >= blockMaxMs ? 'age' : null
}

/** A session that nothing was heard of is read from the store again when something comes. */
export const isIdle = ({ touchedAtMs }: OpenSession, nowMs: number): boolean =>
  elapsedMs(nowMs, touchedAtMs) >= forgetAfterMs
