import type { SessionEnding, SessionRecorder } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'

/** Which log ids are being recorded by a connection, and which lost theirs and wait for their client to come back. */
export type Sessions = {
  /** @throws BTZ_SUDO_PROTOCOL when another connection records it */
  claim(logId: string): void
  release(logId: string): void
  /** Its connection is gone: it waits, and ends as truncated when nobody comes. */
  leave(session: SessionRecorder, elapsedNs: bigint): void
  /** The client came back: the wait is over. */
  taken(logId: string): void
  /** Ends all that wait, now. */
  endWaiting(): Promise<void>
}

export const createSessions = (graceMs: number, log: Logger): Sessions => {
  const active = new Set<string>()
  const waiting = new Map<string, { end: (ending: Partial<SessionEnding>) => Promise<void>; timer: NodeJS.Timeout }>()

  const taken = (logId: string): void => {
    clearTimeout(waiting.get(logId)?.timer)
    waiting.delete(logId)
  }

  const ender = (session: SessionRecorder, elapsedNs: bigint) => async (ending: Partial<SessionEnding>) => {
    if (!waiting.has(session.logId) || active.has(session.logId)) return
    taken(session.logId)
    const detail = 'the client went away in the middle and did not come back'
    await session
      .end({
        reason: 'truncated',
        exitCode: null,
        signal: null,
        dumpedCore: false,
        detail,
        runTimeNs: elapsedNs,
        ...ending,
      })
      .catch((error: unknown) => log.error({ err: error, sessionId: session.sessionId }, 'session end not recorded'))
  }

  return {
    claim: (logId) => {
      if (active.has(logId)) {
        throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a restart of a session that another connection records')
      }
      active.add(logId)
    },
    release: (logId) => {
      active.delete(logId)
      // A resume that failed leaves the wait as it was, but its timer may have come and gone meanwhile.
      waiting.get(logId)?.timer.refresh()
    },
    leave: (session, elapsedNs) => {
      const end = ender(session, elapsedNs)
      const timer = setTimeout(() => void end({}), graceMs)
      waiting.set(session.logId, { end, timer })
      session.onAbort((text) => void end({ reason: 'aborted', detail: text }))
    },
    taken,
    endWaiting: async () => {
      await Promise.all([...waiting.values()].map(({ end }) => end({})))
    },
  }
}
