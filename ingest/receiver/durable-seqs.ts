import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'

const maxSessions = 256 // of one answer; the others have their turn in the next

/** What of an agent's sessions is evidence, so that it may forget it (`spool.keep: evidence`). */
export const createDurableSeqs = (catalog: Pick<CatalogReader, 'durableSeqs'>) => {
  const turns = new Map<string, number>()
  return async ({ bastion, openSessions }: Heartbeat): Promise<HeartbeatAnswer['evidence']> => {
    const turn = turns.get(bastion) ?? 0
    const start = turn < openSessions.length ? turn : 0
    turns.set(bastion, start + maxSessions)
    const asked = openSessions.slice(start, start + maxSessions)
    const durable = await catalog.durableSeqs(asked.map(({ sessionId }) => sessionId))
    return asked.flatMap(({ sessionId }) => {
      const durableSeq = durable.get(sessionId)
      return durableSeq === undefined ? [] : [{ sessionId, durableSeq }]
    })
  }
}
