/** What watching may cost. */
export const liveLimits = {
  viewersOfSession: 100,
  viewers: 500,
  sessions: 200, // each with a terminal in memory
  /** A viewer that has more than it outstanding gets a fresh screen when it has taken the rest. */
  outstandingBytes: 2 * 1024 * 1024,
  /** One that takes nothing for as long is closed. */
  stuckMs: 30_000,
  pingMs: 15_000,
  /** How often it is asked whether a viewer still may see it, and how the session stands. */
  lookMs: 2_000,
  unansweredMs: 10_000,
  /** A session that nobody looks at any more is kept for so long: pages are loaded again. */
  idleMs: 5_000,
  lastBatchMs: 10_000,
  waitingBatches: 64, // that came before one that is missing
  waitingMs: 10_000,
} as const
