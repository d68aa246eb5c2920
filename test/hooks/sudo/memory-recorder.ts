import { randomUUID } from 'node:crypto'
import type { HookEvent, Recorder, SessionEnding, SessionOpening, SessionRecorder } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { Marker } from '#services/schema/marker.ts'

/** One session as the memory recorder holds it, with the hands of the agent: abort, drain, hold. */
export type MemorySession = {
  logId: string
  opening: SessionOpening
  frames: Frame[]
  markers: { marker: Marker; afterFrames: number }[]
  ending: SessionEnding | null
  resumedAtNs: (bigint | 'end')[]
  pendingBytes: number // set by the test: what the agent would still hold
  drained: () => void
  abort: (text: string) => void
}

/** A Recorder that keeps everything in memory and calls it durable a turn later: for tests of the protocol alone. */
export const createMemoryRecorder = ({
  openGate = Promise.resolve(),
  endGate = Promise.resolve(),
}: {
  openGate?: Promise<void>
  endGate?: Promise<void>
} = {}) => {
  const sessions: MemorySession[] = []
  const events: HookEvent[] = []
  let refusal: BartizanError | null = null
  let opens = 0

  const recorderOf = (session: MemorySession): SessionRecorder => {
    let commit = (_elapsedNs: bigint): void => {}
    const elapsedNs = () => session.frames.reduce((sum, { delayNs }) => sum + delayNs, 0n)
    return {
      sessionId: `session-of-${session.logId}`,
      logId: session.logId,
      frame: (frame) => {
        session.frames.push({ ...frame, data: Uint8Array.from(frame.data) })
        setImmediate(() => commit(elapsedNs()))
      },
      marker: (marker) => void session.markers.push({ marker, afterFrames: session.frames.length }),
      get pendingBytes() {
        return session.pendingBytes
      },
      get receivedNs() {
        return elapsedNs()
      },
      onDrained: (listener) => {
        session.drained = listener
      },
      onCommit: (listener) => {
        commit = listener
      },
      onAbort: (listener) => {
        session.abort = listener
      },
      end: async (ending) => {
        await endGate
        session.ending = ending
        commit(elapsedNs())
      },
      leave: async () => undefined,
    }
  }

  const recorder: Recorder = {
    bastion: 'bastion.example',
    open: async (opening) => {
      if (refusal) throw refusal
      opens += 1
      await openGate
      const session: MemorySession = {
        logId: randomUUID(),
        opening,
        frames: [],
        markers: [],
        ending: null,
        resumedAtNs: [],
        pendingBytes: 0,
        drained: () => {},
        abort: () => {},
      }
      sessions.push(session)
      return recorderOf(session)
    },
    resume: async (logId, resumePointNs) => {
      const session = sessions.find((one) => one.logId === logId && one.ending === null)
      if (!session) throw new BartizanError('BTZ_NOT_FOUND', 'no open session has this log id')
      session.resumedAtNs.push(resumePointNs)
      return recorderOf(session)
    },
    event: async (event) => {
      if (refusal) throw refusal
      events.push(event)
    },
  }
  return {
    recorder,
    sessions,
    events,
    opens: () => opens,
    refuse: (error: BartizanError | null) => {
      refusal = error
    },
  }
}
