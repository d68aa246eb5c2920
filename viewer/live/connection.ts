import type { WebSocket } from 'ws'
import { magicFrame } from './alis-frames.ts'
import { liveLimits } from './limits.ts'
import type { Viewer } from './live-session.ts'

/** The player ends at 4000 to 4100, and comes back after any other (asciinema-player, driver/websocket). */
export const closings = {
  over: 1000,
  'server stops': 1012,
  later: 1013,
  'not allowed any more': 4001,
  erased: 4002,
  'ended before': 4004,
  'breaks the protocol': 4003,
} as const
export type Closing = keyof typeof closings

/** What the other side has to read until then. A process that ends does not wait for it. */
const lingerMs = { 'server stops': 500, others: 10_000 }

export type ViewerConnection = Viewer & {
  close(why: Closing, text: string): void
  readonly closed: Promise<void>
}

/**
 * One viewer's WebSocket. What it cannot take is not kept for it: it gets the screen as it is when it has taken the rest.
 * `caughtUp`: such a one is to be given a reset.
 */
export const serveViewer = (ws: WebSocket, caughtUp: () => void): ViewerConnection => {
  let isBehind = false
  let isClosing = false
  let takenMs = performance.now() // when it last took something, or answered
  let heardMs = takenMs

  const close = (why: Closing, text: string): void => {
    if (isClosing) return
    isClosing = true
    ws.close(closings[why], text)
    setTimeout(() => ws.terminate(), why === 'server stops' ? lingerMs[why] : lingerMs.others).unref()
  }
  const taken = (): void => {
    takenMs = performance.now()
    if (!isBehind || isClosing || ws.bufferedAmount > 0) return
    isBehind = false
    caughtUp()
  }
  const send = (frame: Buffer): void => {
    if (isBehind || isClosing) return
    ws.send(frame, taken)
    isBehind = ws.bufferedAmount > liveLimits.outstandingBytes
  }

  const ping = setInterval(() => {
    const nowMs = performance.now()
    const isStuck = ws.bufferedAmount > 0 && nowMs - takenMs > liveLimits.stuckMs
    if (isStuck || nowMs - heardMs > 3 * liveLimits.pingMs) ws.terminate()
    else ws.ping()
  }, liveLimits.pingMs)
  ws.on('pong', () => {
    heardMs = performance.now()
  })
  ws.on('message', () => close('breaks the protocol', 'a viewer says nothing'))
  ws.on('error', () => ws.terminate())
  const closed = new Promise<void>((resolve) => {
    ws.once('close', () => {
      clearInterval(ping)
      isClosing = true
      resolve()
    })
  })
  ws.send(magicFrame)
  return {
    reset: (frames) => {
      for (const frame of frames) send(frame)
    },
    send,
    end: (frames) => {
      isBehind = false
      for (const frame of frames) send(frame)
      close('over', 'the session has ended')
    },
    close,
    closed,
  }
}
