import type { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { readSegment, type Segment } from './spool/segment.ts'

/** `spool.keep: evidence`: what is acknowledged stays until it stands in durable blocks of evidence. */
export type EvidenceHold = {
  /** Whether all batches of the segment are evidence. */
  mayRelease(segment: Segment): Promise<boolean>
  learn(evidence: HeartbeatAnswer['evidence']): void
  /** Sessions whose evidence is waited for. */
  readonly awaited: { sessionId: string; lastSeq: number }[]
}

const lastSeqsOf = async (segment: Segment): Promise<Map<string, number>> => {
  const lastSeqs = new Map<string, number>()
  for await (const read of readSegment(segment, segment.base)) {
    if (read.kind !== 'record' || read.record.type !== 'batch' || read.record.sessionId === null) continue
    lastSeqs.set(read.record.sessionId, read.record.seq)
  }
  return lastSeqs
}

export const createEvidenceHold = (): EvidenceHold => {
  const durableSeqs = new Map<string, number>()
  // Of the oldest segment only: segments go in order.
  let oldest: { base: number; lastSeqs: Map<string, number> } | null = null

  const awaited = (): { sessionId: string; lastSeq: number }[] =>
    [...(oldest?.lastSeqs ?? [])]
      .filter(([sessionId, lastSeq]) => (durableSeqs.get(sessionId) ?? -1) < lastSeq)
      .map(([sessionId, lastSeq]) => ({ sessionId, lastSeq }))

  return {
    mayRelease: async (segment) => {
      if (oldest?.base !== segment.base) oldest = { base: segment.base, lastSeqs: await lastSeqsOf(segment) }
      if (awaited().length > 0) return false
      durableSeqs.clear() // what the next segment waits for is told again
      return true
    },
    learn: (evidence) => {
      for (const { sessionId, durableSeq } of evidence) {
        if (oldest?.lastSeqs.has(sessionId)) durableSeqs.set(sessionId, durableSeq)
      }
    },
    get awaited() {
      return awaited()
    },
  }
}
