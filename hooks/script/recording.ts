import type { Socket } from 'node:net'
import type { SessionEnding, SessionRecorder } from '#hooks/hook.ts'
import { createTypescript, type Step } from './typescript.ts'

const pauseAboveBytes = 4 * 1024 * 1024
const unclaimedBytes = 1024 * 1024
const waitingEntries = 10_000
const otherEndMs = 2_000 // script closes both FIFOs at once

/** What script writes, on its way into a session. */
export type Recording = {
  /** The session's end is durable when resolved. @throws as SessionRecorder.end */
  readonly ended: Promise<void>
  /** Nothing more is read. script dies of it at its next byte (SIGPIPE), and with it its terminal. */
  abort(text: string): void
}

export const record = (streams: { data: Socket; timing: Socket }, session: SessionRecorder): Recording => {
  const { data, timing } = streams
  const typescript = createTypescript()
  const startedMs = performance.now()
  let resolveEnded: (ending: Promise<void>) => void = () => {}
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve
  })
  let over = false
  let openStreams = 2
  let timer: NodeJS.Timeout | undefined

  const end = (how: Pick<SessionEnding, 'reason' | 'exitCode' | 'detail'>): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    data.destroy()
    timing.destroy()
    const runTimeNs = BigInt(Math.round((performance.now() - startedMs) * 1_000_000))
    resolveEnded(session.end({ signal: null, dumpedCore: false, runTimeNs, ...how }))
  }
  const lost = (): void => {
    if (over) return
    const lostBytes = typescript.unclaimedBytes
    if (lostBytes > 0) {
      const detail = 'script was ended before it said when these bytes came'
      session.marker({ type: 'gap', reason: 'source', detail, lostBytes })
    }
    end({ reason: 'recorder_killed', exitCode: null, detail: 'script went away without an exit code' })
  }
  const fail = (error: unknown): void =>
    end({ reason: 'truncated', exitCode: null, detail: error instanceof Error ? error.message : String(error) })

  const perform = (step: Step): void => {
    if (over) return
    if (step.do === 'frame') session.frame(step.frame)
    else if (step.do === 'signal') session.marker({ type: 'alert', reason: `script was sent ${step.signal}` })
    else end({ reason: 'exit', exitCode: step.exitCode, detail: '' })
  }
  // A FIFO that is not read stops script, and with it the terminal: nothing piles up anywhere.
  const flow = (): void => {
    if (over) return
    const isFull = session.pendingBytes > pauseAboveBytes
    if (isFull || typescript.unclaimedBytes > unclaimedBytes) data.pause()
    else data.resume()
    if (isFull || typescript.waitingEntries > waitingEntries) timing.pause()
    else timing.resume()
  }
  const take = (read: (bytes: Uint8Array) => Step[]) => (bytes: Uint8Array) => {
    try {
      if (!over) for (const step of read(bytes)) perform(step)
    } catch (error) {
      fail(error)
    }
    flow()
  }
  const closed = (): void => {
    openStreams -= 1
    if (openStreams === 0) lost()
    else timer = setTimeout(lost, otherEndMs)
  }

  data.on('data', take(typescript.data))
  timing.on('data', take(typescript.timing))
  for (const stream of [data, timing]) {
    stream.on('error', () => stream.destroy())
    stream.on('close', () => over || closed())
  }
  session.onDrained(flow)
  return {
    ended,
    abort: (text) => end({ reason: 'aborted', exitCode: null, detail: text }),
  }
}
