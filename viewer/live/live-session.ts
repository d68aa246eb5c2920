import { type DecodedBatch, decodeFrames } from '#services/recordings/format/frame-batch.ts'
import { createEventReader, type OpenCharacters, type TerminalEvent } from '#services/terminal/terminal-events.ts'
import { endFrame, exitFrame, type Reset, resetFrames, resizeFrame, textFrame } from './alis-frames.ts'
import { createBatchOrder, type Ordered } from './batch-order.ts'
import { createLiveScreen, microseconds, sizeOf } from './live-screen.ts'
import { createRecent, type Rejoined } from './recent.ts'

/** Somebody who watches, as the session sees them. */
export type Viewer = {
  /** Everything before is of no interest any more. */
  reset(frames: Buffer[]): void
  send(frame: Buffer): void
  /** The last frames, and that no more come. */
  end(frames: Buffer[]): void
}

export type LiveStart = { reset: Reset; nextSeq: number; openCharacters: OpenCharacters }

/** One session that is watched: its terminal as it stands, and everybody who looks at it. Nothing in it waits. */
export const createLiveSession = ({ reset, nextSeq, openCharacters }: LiveStart) => {
  const order = createBatchOrder(nextSeq)
  const { toEvent } = createEventReader(openCharacters)
  const screen = createLiveScreen(reset)
  const recent = createRecent(reset)
  const viewers = new Set<Viewer>()
  let lastUs = reset.timeUs // of the event that was sent last
  let lastId = 0
  let isOver = false

  const encode = (event: TerminalEvent, sinceUs: number, id: number): Buffer => {
    const [, code, data] = event
    const delayUs = Math.max(0, microseconds(event) - sinceUs)
    if (code !== 'r') return textFrame(code, id, delayUs, data)
    const { cols, rows } = sizeOf(data)
    return resizeFrame(id, delayUs, cols, rows)
  }
  const sendAll = (frame: Buffer): void => {
    for (const viewer of viewers) viewer.send(frame)
  }
  const framesOf = ({ reset, events }: Rejoined): Buffer[] => {
    const firstId = lastId - events.length
    let sinceUs = reset.timeUs
    const frames = events.map((event, index) => {
      const frame = encode(event, sinceUs, firstId + 1 + index)
      sinceUs = Math.max(sinceUs, microseconds(event))
      return frame
    })
    return [...resetFrames(firstId, reset), ...frames]
  }
  /** The screen as it is; where that cannot be told exactly, one of a moment ago and what came since. */
  const now = (): Buffer[] => {
    const reset = screen.exactReset()
    return reset === null ? framesOf(recent.all()) : resetFrames(lastId, reset)
  }
  const shorten = (): void => {
    const from = screen.exactReset() ?? (recent.isOverfull() ? screen.reset() : null)
    if (from !== null) recent.restart(from)
  }
  const restart = (): void => {
    recent.restart(screen.reset())
    for (const viewer of viewers) viewer.reset(now())
  }
  const emit = (event: TerminalEvent): void => {
    const sinceUs = lastUs
    lastId += 1
    lastUs = Math.max(lastUs, microseconds(event))
    if (screen.take(event)) {
      recent.add(event)
      sendAll(encode(event, sinceUs, lastId))
    } else restart() // what breaks the terminal here would break the players
  }
  const note = (label: string): void => emit([lastUs / 1e6, 'm', label])

  /** Its last words are a reason to stop: what comes behind them is a signature. */
  const over = (exitCode: number | undefined): void => {
    if (isOver) return
    isOver = true
    const exit = exitCode === undefined ? [] : [exitFrame(lastId + 1, 0, Math.max(0, exitCode))]
    for (const viewer of viewers) viewer.end([...exit, endFrame(0)])
    viewers.clear()
  }
  const play = ({ batch, missing }: Ordered): void => {
    if (missing > 0) note(`gap: ${missing} batches did not come`)
    let atNs = batch.startNs
    for (const frame of decodeFrames(batch)) {
      atNs += frame.delayNs
      const event = toEvent({ ...frame, atNs })
      if (event) emit(event)
    }
    if (recent.isFull()) shorten()
    if (batch.end) over(batch.end.exitCode)
  }

  const enter = (viewer: Viewer, afterUs: number | null): void => {
    viewers.add(viewer)
    const again = afterUs === null || afterUs >= lastUs ? null : recent.since(afterUs)
    viewer.reset(again === null ? now() : framesOf(again))
  }

  return {
    /** @throws BTZ_BATCH_INVALID */
    take: (batch: DecodedBatch, nowMs: number): void => {
      for (const ordered of order.take(batch, nowMs)) play(ordered)
    },
    /** Goes on behind what did not come in time. */
    tick: (nowMs: number): void => {
      for (const ordered of order.overdue(nowMs)) play(ordered)
    },
    /** `afterUs`: what the viewer has seen of it already, in microseconds of the session. */
    join: (viewer: Viewer, afterUs: number | null = null): void => {
      if (isOver) viewer.end([...now(), endFrame(0)])
      else enter(viewer, afterUs)
    },
    /** For who could not take all that came: the screen as it is now, and that something was left out. */
    rejoin: (viewer: Viewer): void => {
      viewer.reset([...now(), textFrame('m', lastId, 0, 'skipped: this connection is slower than the session')])
    },
    leave: (viewer: Viewer): void => {
      viewers.delete(viewer)
    },
    end: (): void => over(undefined),
    isOver: (): boolean => isOver,
  }
}
export type LiveSession = ReturnType<typeof createLiveSession>
