import type { BlockRow } from './catalog.ts'

const keptSessions = 50_000

export type BlockRange = Pick<BlockRow, 'sessionId' | 'firstSeq' | 'lastSeq'>
/** A session of which all batches before nextSeq are known to stand. */
export type KnownSeq = { sessionId: string; nextSeq: number }

/** The batch after those that follow on each other from `nextSeq` on. */
export const durableUpTo = (nextSeq: number, ranges: readonly Omit<BlockRange, 'sessionId'>[]): number => {
  let next = nextSeq
  for (const { firstSeq, lastSeq } of ranges.toSorted((a, b) => a.firstSeq - b.firstSeq)) {
    if (firstSeq > next) break
    next = Math.max(next, lastSeq + 1)
  }
  return next
}

/**
 * Evidence only grows: what was found to stand is kept, and only what is new is asked for. `read`: the blocks that
 * reach beyond what is known of their session.
 */
export const createDurableSeqs = (read: (known: KnownSeq[]) => Promise<BlockRange[]>) => {
  const nextSeqs = new Map<string, number>()
  return async (sessionIds: readonly string[]): Promise<Map<string, number>> => {
    const known = [...new Set(sessionIds)].map((sessionId) => ({ sessionId, nextSeq: nextSeqs.get(sessionId) ?? 0 }))
    const ranges = known.length === 0 ? [] : await read(known)
    const bySession = Map.groupBy(ranges, ({ sessionId }) => sessionId)
    const durable = new Map<string, number>()
    for (const { sessionId, nextSeq } of known) {
      const next = durableUpTo(nextSeq, bySession.get(sessionId) ?? [])
      if (next === 0) continue
      durable.set(sessionId, next - 1)
      if (nextSeqs.size >= keptSessions) nextSeqs.clear()
      nextSeqs.set(sessionId, Math.max(next, nextSeqs.get(sessionId) ?? 0))
    }
    return durable
  }
}
