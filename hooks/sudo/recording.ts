import type { Recorder, SessionEnding, SessionOpening, SessionRecorder, TtyMode } from '#hooks/hook.ts'
import { hasTerminalHere, takesEqualForFinal } from './clients.ts'
import { type CommitPoints, createCommitPoints } from './commit-points.ts'
import type { Sessions } from './sessions.ts'

const pauseAboveBytes = 4 * 1024 * 1024
const commitEveryMs = 100

/** The recording behind one connection: none yet, one, or one that is ending. */
export type Recording = {
  readonly session: SessionRecorder | null
  readonly ending: Promise<void> | null
  /** @throws what Recorder.open throws */
  open(opening: SessionOpening): Promise<void>
  /** @throws what Recorder.resume throws; BTZ_SUDO_PROTOCOL when another connection records it */
  resume(logId: string, resumePointNs: bigint): Promise<void>
  /** Durable when resolved. Once: later calls wait for the first one's end. */
  end(how: SessionEnding): Promise<void>
  /** The client is gone and may come back. */
  leave(elapsedNs: bigint): void
  /** No further commit point is told. */
  silence(): void
  /** More waits for the spool than may: null, or when it is less. */
  drained(): Promise<void> | null
  /** Whoever waits for `drained` goes on. */
  unblock(): void
}

export const createRecording = (options: {
  recorder: Recorder
  sessions: Sessions
  ttyMode: (() => Promise<TtyMode>) | null
  counted: () => bigint // what the client has sent
  client: () => string | null
  onCommit: (elapsedNs: bigint) => void
  onAbort: (text: string) => void
}): Recording => {
  const { recorder, sessions, ttyMode, counted } = options
  let session: SessionRecorder | null = null
  let commits: CommitPoints | null = null
  let ending: Promise<void> | null = null
  let unblock = (): void => {}

  const attach = (opened: SessionRecorder): void => {
    session = opened
    commits = createCommitPoints({
      send: options.onCommit,
      sentNs: counted,
      belowSent: takesEqualForFinal(options.client()),
      fromNs: counted(),
      everyMs: commitEveryMs,
    })
    opened.onCommit(commits.durable)
    opened.onDrained(() => unblock())
    opened.onAbort(options.onAbort)
  }

  return {
    get session() {
      return session
    },
    get ending() {
      return ending
    },
    open: async (opening) => {
      const isWatched = ttyMode !== null && opening.tty !== null && hasTerminalHere(options.client())
      const opened = await recorder.open(isWatched ? { ...opening, ttyMode } : opening)
      sessions.claim(opened.logId)
      attach(opened)
    },
    resume: async (logId, resumePointNs) => {
      sessions.claim(logId)
      try {
        attach(await recorder.resume(logId, resumePointNs))
      } catch (error) {
        sessions.release(logId)
        throw error
      }
      sessions.taken(logId)
    },
    end: (how) => {
      if (!session) return Promise.resolve()
      const { logId } = session
      ending ??= session.end(how).finally(() => sessions.release(logId))
      return ending
    },
    leave: (elapsedNs) => {
      if (!session) return
      sessions.release(session.logId)
      sessions.leave(session, elapsedNs)
    },
    silence: () => commits?.stop(),
    drained: () =>
      session && session.pendingBytes > pauseAboveBytes
        ? new Promise((resolve) => {
            unblock = resolve
          })
        : null,
    unblock: () => unblock(),
  }
}
