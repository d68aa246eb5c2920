import type { BlockRow, CatalogReader } from '#services/catalog/catalog.ts'
import type { Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'

const maxSessions = 256 // of one answer; the others have their turn in the next

/** Up to where a session's blocks follow on each other from batch 0; null when not even that one stands. */
export const durableSeq = (blocks: readonly Pick<BlockRow, 'firstSeq' | 'lastSeq'>[]): number | null => {
  let next = 0
  for (const { firstSeq, lastSeq } of blocks.toSorted((a, b) => a.firstSeq - b.firstSeq)) {
    if (firstSeq > next) break
    next = Math.max(next, lastSeq + 1)
  }
  return next === 0 ? null : next - 1
}

/** What of an agent's sessions is evidence, so that it may forget it (`spool.keep: evidence`). */
export const createDurableSeqs = (catalog: Pick<CatalogReader, 'blocks'>) => {
  const turns = new Map<string, number>()
  return async ({ bastion, openSessions }: Heartbeat): Promise<HeartbeatAnswer['evidence']> => {
    const turn = turns.get(bastion) ?? 0
    const start = turn < openSessions.length ? turn : 0
    turns.set(bastion, start + maxSessions)
    const evidence: HeartbeatAnswer['evidence'] = []
    for (const { sessionId } of openSessions.slice(start, start + maxSessions)) {
      const seq = durableSeq(await catalog.blocks(sessionId))
      if (seq !== null) evidence.push({ sessionId, durableSeq: seq })
    }
    return evidence
  }
}
