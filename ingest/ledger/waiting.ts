import type { Connection } from './reconcile.ts'

const maxWaiting = 100_000

type Due = { connection: Connection; clockMs: number }

/** Connections of one bastion with a channel that waits for its recording, and until when, in event time. */
export const createWaiting = () => {
  const waiting = new Map<string, { connection: Connection; dueAtMs: number }>()
  return {
    set: (connection: Connection, dueAtMs: number | null): void => {
      waiting.delete(connection.connectionId)
      if (dueAtMs !== null) waiting.set(connection.connectionId, { connection, dueAtMs })
    },
    /** Those whose time has come. With too many, the longest known are looked at as if it had: that can be taken back. */
    due: (clockMs: number): Due[] => {
      const excess = waiting.size - maxWaiting
      return [...waiting.values()].flatMap(({ connection, dueAtMs }, at) =>
        dueAtMs <= clockMs || at < excess ? { connection, clockMs: Math.max(clockMs, dueAtMs) } : [],
      )
    },
  }
}
