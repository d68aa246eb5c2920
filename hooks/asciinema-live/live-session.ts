import type { SessionEnding, SessionRecorder } from '#hooks/hook.ts'
import { resizeData } from '#hooks/recorded-file.ts'
import { createTextLoss } from '#hooks/text-loss.ts'
import type { Logger } from '#services/log.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { AlisBegin, AlisStep } from './alis-stream.ts'
import { createDurableMarks, type Mark } from './durable-marks.ts'
import type { Heard } from './same-stream.ts'

/** A connection, as its session sees it. */
export type Link = {
  /** Nothing has come for so long that the client may be on another connection by now. */
  isSilent(): boolean
  close(why: 'ended by the agent' | 'goes on elsewhere', text: string): void
  /** There is room for more. */
  drained(): void
}

/** How a stream stands in this agent: `known` from an earlier agent, which may have recorded more than is known. */
export type Returning = 'new' | 'came back' | 'known'

export type LiveSession = {
  readonly keyId: string
  readonly heard: Heard
  readonly link: Link | null
  readonly pendingBytes: number
  readonly isOver: boolean
  /** A producer begins, on this connection. */
  begin(link: Link, begin: AlisBegin, returning: Returning): void
  /** Steps of one message. `heard`: the producer after it. */
  take(steps: readonly AlisStep[], heard: Omit<Heard, 'atMs'>): void
  /** The connection is gone, and did not say that the stream is over: the producer has `graceMs` to come back. */
  lost(link: Link): void
  end(reason: SessionEnding['reason'], detail: string): void
  /** As SessionRecorder.leave. */
  leave(): Promise<void>
  /** All that another agent needs to go on with it. */
  snapshot(): KeptStream
}

/** `baseUs`: the producer's clock at the start of the recording. Of the rest, all is durable. */
export type KeptStream = { keyId: string; logId: string; baseUs: bigint; heard: Heard }

const reset = Buffer.from('\x1bc')
const replacement = Buffer.from('\ufffd')

const countReplaced = ({ stream, data }: Frame): number => {
  if (stream === Stream.RESIZE) return 0
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  let count = 0
  for (let at = bytes.indexOf(replacement); at >= 0; at = bytes.indexOf(replacement, at + 3)) count += 1
  return count
}

const events = (first: bigint, last: bigint): string =>
  first === last ? `event ${first}` : `events ${first} to ${last}`

export const createLiveSession = (options: {
  session: SessionRecorder
  stream: KeptStream
  graceMs: number
  now: () => number
  /** What `snapshot` gives has changed. */
  onDurable: () => void
  /** No longer open: ended, or left. */
  onOver: (ended: Promise<void>) => void
  log: Logger
}): LiveSession => {
  const { session, now, log } = options
  const { keyId, logId, baseUs } = options.stream
  const textLoss = createTextLoss()
  let { heard } = options.stream
  let durable: Mark = { elapsedNs: session.receivedNs, lastId: heard.lastId, atMs: heard.atMs }
  const marks = createDurableMarks(durable)
  let link: Link | null = null
  let leadNs = 0n // between the last frame and the beginning of a connection
  let timer: NodeJS.Timeout | undefined
  let isOver = false

  session.onCommit((elapsedNs) => {
    durable = marks.durableTo(elapsedNs)
    options.onDurable()
  })
  session.onDrained(() => link?.drained())

  const finish = (how: Pick<SessionEnding, 'reason' | 'exitCode' | 'detail'>): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    const streamedNs = (heard.elapsedUs - baseUs) * 1000n
    const runTimeNs = streamedNs > session.receivedNs ? streamedNs : session.receivedNs
    const loss = `asciinema streams text and times of 1 us: ${textLoss.text()}`
    const detail = how.detail === '' ? loss : `${how.detail}; ${loss}`
    const ended = session.end({ signal: null, dumpedCore: false, runTimeNs, ...how, detail })
    ended.catch((error: unknown) => log.error({ err: error, sessionId: session.sessionId }, 'end of a live stream'))
    options.onOver(ended)
  }
  const put = (frame: Frame): void => {
    textLoss.add(countReplaced(frame), Number(session.receivedNs / 1_000_000n))
    session.frame(leadNs > 0n ? { ...frame, delayNs: frame.delayNs + leadNs } : frame)
    leadNs = 0n
  }
  const gap = (reason: 'source' | 'agent_restart', detail: string): void =>
    session.marker({ type: 'gap', reason, detail, lostBytes: null })
  const show = (screen: Uint8Array): void => {
    if (screen.length > 0) put({ delayNs: 0n, stream: Stream.TTYOUT, data: screen })
  }

  const beginNew = ({ lastId, elapsedUs, screen }: AlisBegin): void => {
    if (lastId > 0n) {
      const seconds = Number(elapsedUs / 1_000_000n)
      const what = `${events(1n, lastId)} of the stream, its first ${seconds} s, came before this recording`
      gap('source', `${what}; the screen as it was after them follows`)
    }
    show(screen)
  }
  const beginAgain = (begin: AlisBegin, returning: Returning): void => {
    const aheadNs = (begin.elapsedUs - baseUs) * 1000n - session.receivedNs
    leadNs = aheadNs > 0n ? aheadNs : 0n
    const isSame = begin.lastId === heard.lastId
    if (returning === 'came back') {
      const detail = isSame ? 'the client came back, and nothing is missing' : 'the client came back'
      session.marker({ type: 'resumed', detail })
    }
    if (isSame) return // the screen is what is recorded
    const missing = events(heard.lastId + 1n, begin.lastId)
    const screen = 'a reset of the terminal by the recorder (ESC c), and the screen as it is now, follow'
    if (returning === 'known') gap('agent_restart', `what is not recorded of ${missing} never came; ${screen}`)
    else gap('source', `${missing} of the stream never came; ${screen}`)
    put({ delayNs: 0n, stream: Stream.RESIZE, data: resizeData(begin.rows, begin.cols) })
    put({ delayNs: 0n, stream: Stream.TTYOUT, data: reset })
    show(begin.screen)
  }
  const hear = ({ lastId, elapsedUs }: Omit<Heard, 'atMs'>): void => {
    heard = { lastId, elapsedUs, atMs: now() }
    marks.put({ elapsedNs: session.receivedNs, lastId, atMs: heard.atMs })
  }
  const perform = (step: AlisStep): void => {
    if (step.do === 'frame') put(step.frame)
    else if (step.do === 'label') session.marker({ type: 'alert', reason: `marker: ${step.text}` })
    else if (step.do === 'missed') {
      const [first, last] = [heard.lastId + 1n, heard.lastId + step.events]
      gap('source', `${events(first, last)} of the stream never came`)
    } else if (step.do === 'exit') finish({ reason: 'exit', exitCode: step.exitCode, detail: '' })
    else if (step.do === 'offline') end('truncated', 'the client ended the stream without an exit code')
  }
  const end = (reason: SessionEnding['reason'], detail: string): void => finish({ reason, exitCode: null, detail })

  const live: LiveSession = {
    keyId,
    get heard() {
      return heard
    },
    get link() {
      return link
    },
    get pendingBytes() {
      return session.pendingBytes
    },
    get isOver() {
      return isOver
    },
    begin: (by, begin, returning) => {
      clearTimeout(timer)
      link?.close('goes on elsewhere', 'the stream goes on over another connection')
      link = by
      if (returning === 'new') beginNew(begin)
      else beginAgain(begin, returning)
      hear(begin)
    },
    take: (steps, at) => {
      for (const step of steps) if (!isOver) perform(step)
      if (!isOver) hear(at)
    },
    lost: (by) => {
      if (isOver || link !== by) return
      link = null
      const seconds = Math.round(options.graceMs / 1000)
      const detail = `the client went away, and did not come back within ${seconds} s`
      timer = setTimeout(() => end('truncated', detail), options.graceMs)
    },
    end,
    leave: async () => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      await session.leave('mask')
    },
    snapshot: () => ({
      keyId,
      logId,
      baseUs,
      heard: { lastId: durable.lastId, elapsedUs: baseUs + durable.elapsedNs / 1000n, atMs: durable.atMs },
    }),
  }
  session.onAbort((text) => {
    end('aborted', text)
    link?.close('ended by the agent', text)
  })
  return live
}
