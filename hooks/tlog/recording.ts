import type { Recorder, SessionEnding, SessionOpening, SessionRecorder } from '#hooks/hook.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { framesOf } from './frames.ts'
import { noAuditSession, startedAtMs, type TlogMessage } from './message.ts'
import { createMessageOrder, type Ordered, type Part } from './message-order.ts'
import type { Piece } from './pieces.ts'
import type { TlogState } from './state.ts'

/** One recording of tlog, on its way into one session. */
export type Recording = {
  readonly rec: string
  readonly uid: string | null
  readonly nextId: number
  /** Messages wait for others that are missing. */
  readonly waits: boolean
  /** Sum of the delays of all frames that were handed over. */
  readonly elapsedNs: bigint
  /** Of that, what is durable. */
  readonly durableNs: bigint
  readonly session: SessionRecorder
  /** Wall clock, ms. */
  readonly heardMs: number
  /** False: this message was there before. */
  take(part: Part, nowMs: number): boolean
  tick(nowMs: number): void
  end(ending: Pick<SessionEnding, 'reason' | 'detail'>, nowMs: number): Promise<void>
  snapshot(): TlogState['open'][number]
}

const windowOf = (pieces: readonly Piece[]): { rows: number; cols: number } | null => {
  const data = pieces.find(({ stream }) => stream === Stream.RESIZE)?.data
  return data ? { rows: data[0]! * 256 + data[1]!, cols: data[2]! * 256 + data[3]! } : null
}

export const openingOf = ({ message, pieces }: Part): SessionOpening => ({
  hook: 'tlog',
  startedAtMs: startedAtMs(message),
  user: message.user,
  runAs: null,
  target: message.host || null,
  sourceIp: null,
  sourcePort: null,
  connectionId: null,
  tty: '?', // there is one; tlog does not say which
  rows: null,
  cols: null,
  ...windowOf(pieces),
  argv: [],
  cwd: null,
  env: message.term === '' ? {} : { TERM: message.term },
  originalCommand: null,
  client: `tlog ${message.ver}`,
  clock: 'stream',
  auditSession: message.session === noAuditSession ? null : message.session,
})

const lost = (missing: number, next: TlogMessage): string =>
  missing === 1
    ? `message ${next.id - 1} of tlog never came`
    : `messages ${next.id - missing} to ${next.id - 1} of tlog never came`

export const createRecording = (
  { rec, uid, nextId, elapsedNs: from }: { rec: string; uid: string | null; nextId: number; elapsedNs: bigint },
  session: SessionRecorder,
  nowMs: number,
): Recording => {
  const order = createMessageOrder(nextId)
  let elapsedNs = from
  let durableNs = from
  let heardMs = nowMs
  session.onCommit((committedNs) => {
    durableNs = committedNs
  })

  const put = (ordered: readonly Ordered[]): void => {
    for (const { message, pieces, missing } of ordered) {
      if (missing > 0)
        session.marker({ type: 'gap', reason: 'source', detail: lost(missing, message), lostBytes: null })
      const next = framesOf(pieces, elapsedNs)
      for (const frame of next.frames) session.frame(frame)
      elapsedNs = next.elapsedNs
    }
  }

  return {
    rec,
    uid,
    session,
    get nextId() {
      return order.nextId
    },
    get waits() {
      return order.waits
    },
    get elapsedNs() {
      return elapsedNs
    },
    get durableNs() {
      return durableNs
    },
    get heardMs() {
      return heardMs
    },
    take: (part, atMs) => {
      heardMs = atMs
      const ready = order.take(part, atMs)
      put(ready ?? [])
      return ready !== null
    },
    tick: (atMs) => put(order.overdue(atMs)),
    end: (ending, atMs) => {
      put(order.rest(atMs))
      return session.end({ exitCode: null, signal: null, dumpedCore: false, runTimeNs: elapsedNs, ...ending })
    },
    snapshot: () => ({ rec, uid, logId: session.logId, nextId: order.nextId, elapsedNs: elapsedNs.toString() }),
  }
}

/** The session an earlier agent, or an earlier reading, left open. @throws what Recorder.resume throws */
export const resumeRecording = async (
  recorder: Pick<Recorder, 'resume'>,
  { elapsedNs, logId, ...kept }: TlogState['open'][number],
  nowMs: number,
): Promise<Recording> => {
  const from = BigInt(elapsedNs)
  return createRecording({ ...kept, elapsedNs: from }, await recorder.resume(logId, from, 'stream'), nowMs)
}
