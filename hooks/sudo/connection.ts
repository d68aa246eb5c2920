import type { Socket } from 'node:net'
import { v7 as uuidv7 } from 'uuid'
import type { Recorder, SessionEnding, TtyMode } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { mayComeBack } from './clients.ts'
import { type Effect, initialState } from './connection-state.ts'
import { textFor, unfinished } from './endings.ts'
import { createFrameReader } from './framing.ts'
import { decodeClientMessage, serverMessage } from './messages.ts'
import { createRecording } from './recording.ts'
import type { Sessions } from './sessions.ts'
import { lost, step } from './state-table.ts'
import type { Turns } from './turns.ts'

const unreadReplyBytes = 64 * 1024 // a client that does not read is told no further commit points
const lingerMs = 2_000 // for a client to go after an abort, or to close after our close

export type ConnectionOptions = {
  recorder: Recorder
  sessions: Sessions
  turns: Turns
  serverId: string
  idleHelloMs: number
  ttyMode: (() => Promise<TtyMode>) | null
  log: Logger
}

export type Connection = {
  /** Ends the session with a text for its user, or a connection that has none yet. */
  abort(text: string): void
  /** The socket is closed, and the session's end durable where it has one. */
  readonly closed: Promise<void>
}

/** Speaks the log server protocol with one client, from its first byte to its close. The socket may be paused. */
export const serveConnection = (socket: Socket, options: ConnectionOptions): Connection => {
  const { recorder, sessions, log } = options
  const reader = createFrameReader()
  let state = initialState
  let abortText: string | null = null
  let clientEnded = false
  let more = false // came while the pump was at work
  let pumping: Promise<void> | null = null
  let settled = false // no further message is handled
  const timers: NodeJS.Timeout[] = []

  const context = () => ({ nowMs: Date.now(), newSessionId: uuidv7 })
  const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms))
  const send = (message: Buffer): void => {
    if (socket.writable) socket.write(message)
  }
  const recording = createRecording({
    recorder,
    sessions,
    ttyMode: options.ttyMode,
    counted: () => state.elapsedNs,
    client: () => state.client,
    onCommit: (elapsedNs) => {
      if (socket.writableLength < unreadReplyBytes) send(serverMessage.commitPoint(elapsedNs))
    },
    onAbort: (text) => abort(text),
  })

  const readOn = (): void => {
    if (!pumping && !turn.waits) socket.resume()
  }
  const turn = options.turns.join(readOn, () => recording.session?.pendingBytes ?? 0)
  const settle = (): void => {
    settled = true
    turn.leave()
    recording.silence()
  }
  const hangUp = (): void => {
    settle()
    socket.end()
    socket.resume()
    after(lingerMs, () => socket.destroy())
  }
  const endSession = (how: SessionEnding): Promise<void> =>
    recording.end(abortText === null ? how : { ...how, reason: 'aborted', detail: abortText })

  /** An open or a resume took so long that its connection is history. */
  const endIfTooLate = (): Promise<void> | undefined =>
    settled ? endSession(unfinished('truncated', 'the connection was closed first', state.elapsedNs)) : undefined

  const open = async (effect: Extract<Effect, { do: 'open' }>): Promise<void> => {
    await recording.open(effect.opening)
    send(serverMessage.logId(recording.session!.logId))
    await endIfTooLate()
  }
  const resume = async (effect: Extract<Effect, { do: 'resume' }>): Promise<void> => {
    await recording.resume(effect.logId, effect.resumePointNs)
    await endIfTooLate()
  }

  const perform = (effect: Effect): Promise<void> | undefined => {
    const { session } = recording
    switch (effect.do) {
      case 'open':
        return open(effect)
      case 'resume':
        return resume(effect)
      case 'event':
        return recorder.event(session ? { ...effect.event, sessionId: session.sessionId } : effect.event)
      case 'end':
        return endSession(effect.ending)
      case 'frame':
        session!.frame(effect.frame)
        break
      case 'marker':
        session!.marker(effect.marker)
        break
      case 'sendLogId':
        send(serverMessage.logId(session!.logId))
        break
      case 'commit':
        recording.silence()
        send(serverMessage.commitPoint(effect.elapsedNs))
        break
      case 'hangUp':
        hangUp()
    }
    return undefined
  }

  const consume = async (): Promise<void> => {
    for (let message = reader.next(); message !== null && !settled; message = reader.next()) {
      const result = step(state, decodeClientMessage(message), context())
      state = result.state
      for (const effect of result.effects) {
        const pending = perform(effect)
        if (pending) await pending
      }
      const drained = settled ? null : recording.drained()
      if (drained) await drained
    }
  }

  /** What a session that was only noted still needs, when nothing more comes. */
  const closeNotes = async (): Promise<void> => {
    for (const effect of lost(state, context()).effects) await perform(effect)
  }

  const conclude = async (act: () => Promise<void>): Promise<void> => {
    settle()
    try {
      await closeNotes()
      await act()
    } catch (error) {
      log.error({ err: error, sessionId: recording.session?.sessionId }, 'the end of a session is not recorded')
    } finally {
      hangUp()
    }
  }

  const clientGone = async (): Promise<void> => {
    if (settled) return
    await conclude(async () => {
      if (abortText === null && mayComeBack(state.client)) return recording.leave(state.elapsedNs)
      const partial = reader.bufferedBytes > 0 ? ', inside a message' : ''
      await endSession(unfinished('recorder_killed', `sudo went away without an exit${partial}`, state.elapsedNs))
    })
  }

  const fail = async (error: unknown): Promise<void> => {
    if (settled) return
    log.warn({ err: error, sessionId: recording.session?.sessionId, client: state.client }, 'sudo connection failed')
    send(serverMessage.error(textFor(error)))
    const detail = error instanceof Error ? error.message : String(error)
    await conclude(() => endSession(unfinished('truncated', detail, state.elapsedNs)))
  }

  const pumpOnce = async (): Promise<void> => {
    try {
      do {
        more = false
        await consume()
      } while (more)
      if (clientEnded) await clientGone()
    } catch (error) {
      await fail(error)
    }
    pumping = null
    readOn()
  }
  const pump = (): Promise<void> => (pumping ??= pumpOnce())

  const abort = (text: string): void => {
    if (settled || recording.ending || abortText !== null) return
    if (!recording.session) return void fail(new BartizanError('BTZ_UNAVAILABLE', text))
    abortText = text
    send(serverMessage.abort(text))
    after(lingerMs, () => {
      if (recording.ending) return
      recording.unblock()
      void clientGone()
    })
  }

  const allDone = async (): Promise<void> => {
    clientEnded = true
    await pump()
    await pump() // the one before may have been past its last look
    await recording.ending?.catch(() => {}) // logged where it was asked for
    turn.leave()
    timers.forEach(clearTimeout)
  }
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => void allDone().then(resolve))
  })
  socket.on('error', (error) => log.debug({ err: error }, 'sudo connection broke'))
  socket.on('end', () => {
    clientEnded = true
    void pump()
  })
  socket.on('data', (chunk: Buffer) => {
    if (settled) return
    reader.push(chunk)
    more = true
    turn.spend(chunk.byteLength)
    if (pumping || turn.waits) socket.pause()
    if (!pumping) void pump()
  })
  after(options.idleHelloMs, () => {
    if (state.phase !== 'greeting') return
    void fail(new BartizanError('BTZ_SUDO_PROTOCOL', `nothing to record was said within ${options.idleHelloMs} ms`))
  })
  socket.setKeepAlive(true, 30_000)
  socket.setNoDelay(true)
  send(serverMessage.hello(options.serverId))
  socket.resume()
  return { abort, closed }
}
