import type { WebSocket } from 'ws'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { type AlisBegin, type AlisStep, createAlisStream } from './alis-stream.ts'
import type { Link, LiveSession } from './live-session.ts'
import type { Producer, Streams } from './streams.ts'

/** asciinema 3 gives up at 1000 and 4000 to 4099, and comes back after any other (`handle_close_frame` of its source). */
export const closings = {
  over: 1000,
  'agent stops': 1012,
  later: 1013,
  revoked: 4001,
  'breaks the protocol': 4002,
  'ended by the agent': 4003,
  'goes on elsewhere': 4101,
} as const
export type Closing = keyof typeof closings

export type ConnectionLimits = {
  /** Until the stream has begun. */
  helloMs: number
  /** A client that answers no ping for as long is gone. */
  silentMs: number
  messagesPerSecond: number
  /** Above it reading stops until the spool has what is there. */
  pauseAboveBytes: number
}

export type Connection = {
  readonly keyId: string
  close(why: Closing, text: string): void
  /** The WebSocket is closed. */
  readonly closed: Promise<void>
}

const maxReasonBytes = 123 // of a close frame (RFC 6455, 5.5)
const lingerMs = 1_000
const perSecondMs = 1_000

const reasonOf = (text: string): string => {
  const bytes = Buffer.from(text)
  return bytes.length <= maxReasonBytes
    ? text
    : new TextDecoder().decode(bytes.subarray(0, maxReasonBytes - 4), { stream: true })
}

/** Messages of one WebSocket, in order, into the session of its stream. */
export const serveStream = (
  ws: WebSocket,
  options: { producer: Producer; streams: Streams; limits: ConnectionLimits; mayComeBack: () => boolean; log: Logger },
): Connection => {
  const { producer, streams, limits, log } = options
  const stream = createAlisStream()
  const waiting: Uint8Array[] = []
  let live: LiveSession | null = null
  let isTaking = false
  let isClosing = false
  let closeCode: number | null = null
  let heardMs = performance.now()
  let second = { startMs: heardMs, messages: 0 }

  const close = (why: Closing, text: string): void => {
    if (isClosing) return
    isClosing = true
    clearTimeout(hello)
    ws.resume() // its own close frame has to be read
    ws.close(closings[why], reasonOf(text))
    setTimeout(() => ws.terminate(), lingerMs)
  }
  const fail = (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error)
    if (hasCode(error, 'BTZ_ALIS_FORMAT')) {
      live?.end('truncated', text)
      close('breaks the protocol', text)
    } else if (hasCode(error, 'BTZ_SPOOL_FULL') || hasCode(error, 'BTZ_UNAVAILABLE')) {
      close('later', text)
    } else {
      log.error({ err: error }, 'a live stream failed')
      close('later', 'the stream could not be recorded; the log of the agent says why')
    }
  }
  const link: Link = {
    isSilent: () => performance.now() - heardMs > limits.silentMs,
    close: (why, text) => close(why === 'ended by the agent' && options.mayComeBack() ? 'later' : why, text),
    drained: () => flow(),
  }

  const isTooFast = (): boolean => second.messages > limits.messagesPerSecond
  const flow = (): void => {
    if (isClosing) return
    const isFull = live !== null && live.pendingBytes > limits.pauseAboveBytes
    if (isTaking || isFull || isTooFast()) ws.pause()
    else if (ws.isPaused) {
      heardMs = performance.now() // nothing could be
      ws.resume()
    }
  }
  const count = (): void => {
    heardMs = performance.now()
    if (heardMs - second.startMs >= perSecondMs) second = { startMs: heardMs, messages: 0 }
    second.messages += 1
    if (second.messages !== limits.messagesPerSecond + 1) return
    setTimeout(() => {
      second = { startMs: performance.now(), messages: 0 }
      flow()
    }, perSecondMs)
  }

  const begin = async (at: AlisBegin): Promise<void> => {
    clearTimeout(hello)
    if (live && !live.isOver) live.lost(link) // it said that it was offline, and begins again
    live = await streams.begin(producer, link, at)
    if (live.isOver) link.close('ended by the agent', 'the session was ended before it began')
  }
  const take = (message: Uint8Array): Promise<void> | undefined => {
    const steps: AlisStep[] = stream.take(message)
    const first = steps[0]
    if (first?.do === 'begin') return begin(first.begin)
    live?.take(steps, stream.heard)
    if (live?.isOver) close('over', 'recorded')
    return undefined
  }
  const takeAll = async (): Promise<void> => {
    if (isTaking) return
    isTaking = true
    try {
      for (let message = waiting.shift(); message && !isClosing; message = waiting.shift()) {
        const began = take(message)
        if (began) await began
      }
    } catch (error) {
      fail(error)
    }
    isTaking = false
    if (closeCode !== null) gone(closeCode)
    else flow()
  }
  const gone = (code: number): void => {
    if (code === closings.over && !isClosing) live?.end('truncated', 'the client ended the stream without an exit code')
    else live?.lost(link)
  }

  const hello = setTimeout(() => close('breaks the protocol', 'nothing was said'), limits.helloMs)
  const ping = setInterval(() => {
    if (ws.isPaused) return // what it says cannot be heard
    if (link.isSilent()) ws.terminate()
    else ws.ping()
  }, limits.silentMs / 3)
  const alive = (): void => {
    heardMs = performance.now()
  }
  ws.on('pong', alive)
  ws.on('ping', alive)
  ws.on('message', (data, isBinary) => {
    if (isClosing) return
    if (!isBinary) return fail(new BartizanError('BTZ_ALIS_FORMAT', 'live stream refused: a message of text'))
    count()
    waiting.push(data as Buffer)
    void takeAll()
    flow()
  })
  ws.on('error', (error) => log.info({ err: error }, 'live stream: connection'))
  const closed = new Promise<void>((resolve) => {
    ws.on('close', (code) => {
      clearInterval(ping)
      clearTimeout(hello)
      closeCode = code
      if (!isTaking) gone(code)
      resolve()
    })
  })
  return { keyId: producer.key.id, close, closed }
}
