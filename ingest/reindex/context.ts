import type { Catalog } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import type { Logger } from '#services/log.ts'
import type { StateStore } from '#services/state/state-store.ts'
import type { EvidenceSource } from '#services/verify/read-objects.ts'
import type { Views } from '#services/views/views.ts'

/** What is to be derived anew. Dates: YYYY-MM-DD, UTC, both included, of a session's start and of when the bus took an event. */
export type Scope = { sessionId?: string; from?: string; to?: string; viewsOnly: boolean }

export type Tally = {
  sessions: number
  events: number
  alerts: number
  erased: number // sessions: nothing of them is derived
  running: number // sessions that go on and are left to ingest
  refused: number // records that are none: ingest put them aside, too
  damaged: number // objects that are not as they were written, or of which the key is missing
}
export const newTally = (): Tally => ({
  sessions: 0,
  events: 0,
  alerts: 0,
  erased: 0,
  running: 0,
  refused: 0,
  damaged: 0,
})

export type ReindexContext = {
  recordings: EvidenceSource
  keys: Pick<KeyStore, 'get'>
  catalog: Catalog
  views: Views
  state: StateStore
  clock: Clock
  log: Logger
  /** How long the ledger waits for a recording. */
  graceMs: number
  /** Nothing else writes meanwhile: sessions that go on are derived, too. */
  isAlone: boolean
  tell(tally: Tally): void
}
