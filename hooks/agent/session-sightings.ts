import type { SessionOpening } from '#hooks/hook.ts'
import type { SessionChain } from './session-chain.ts'

/** A session of this agent, as other hooks may join to it what they see on the host. */
export type Sighting = {
  chain: SessionChain
  /** The terminal it was opened on; null: none, or not known since the agent started again. */
  tty: string | null
  /** The kernel's login session, where its hook knows it. */
  auditSession: number | null
  closedMs: number | null
}

export type Sightings = {
  opened(chain: SessionChain, opening: Pick<SessionOpening, 'tty' | 'auditSession'>): void
  closed(sessionId: string): void
  /** Those that are open, and those that were within the last minute. */
  all(): Sighting[]
}

const keptMs = 60_000 // what audit tells of a short session comes after its end
const maxClosed = 4096

export const createSightings = (now: () => number): Sightings => {
  const sightings = new Map<string, Sighting>()
  const closed = new Map<string, Sighting>()

  const forget = (): void => {
    for (const [sessionId, { closedMs }] of closed) {
      if (closed.size <= maxClosed && now() - (closedMs ?? 0) < keptMs) return
      closed.delete(sessionId)
    }
  }
  return {
    opened: (chain, { tty, auditSession = null }) =>
      void sightings.set(chain.sessionId, { chain, tty, auditSession, closedMs: null }),
    closed: (sessionId) => {
      const sighting = sightings.get(sessionId)
      if (sighting === undefined) return
      sightings.delete(sessionId)
      closed.set(sessionId, { ...sighting, closedMs: now() })
      forget()
    },
    all: () => {
      forget()
      return [...sightings.values(), ...closed.values()]
    },
  }
}
