import type { Socket } from 'node:net'
import { v7 as uuidv7 } from 'uuid'
import type { Recorder, SessionEnding, SessionRecorder, TtyMode } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { mayComeBack, takesEqualForFinal } from './clients.ts'
import { type CommitPoints, createCommitPoints } from './commit-points.ts'
import { textFor, unfinished } from './endings.ts'
import { createFrameReader } from './framing.ts'
import { decodeClientMessage, serverMessage } from './messages.ts'
import type { Sessions } from './sessions.ts'
import { type Effect, initialState, lost, step } from './state-table.ts'

export const pauseAboveBytes = 4 * 1024 * 1024
const commitEveryMs = 100
const unreadReplyBytes = 64 * 1024 // a client that does not read is told no further commit points
const lingerMs = 2_000 // for a client to go after an abort, or to close after our close

export type ConnectionOptions = {
  recorder: Recorder
  sessions: Sessions
  serverId: string
  idleHelloMs: number
  ttyMode: (() => Promise<TtyMode>) | null
  log: Logger
}

export type Connection = {
  /** Ends the session with a text for its user, or a connection that has none yet. */
  abort(text: string): void
  readonly closed: Promise<void>
}

/** Speaks the log server protocol with one client, from its first byte to its close. The socket may be paused. */
export const serveConnection = (socket: Socket, options: ConnectionOptions): Connection => {
  const { recorder, sessions, log } = options
  const reader = createFrameReader()
  let state = initialState
  let session: SessionRecorder | null = null
  let commits: CommitPoints | null = null
  let ending: Promise<void> | null = null
  let abortText: string | null = null
  let clientEnded = false
  let pumping: Promise<void> | null = null
  let settled = false // no further message is handled
  let onDrained = (): void => {}

  const context = () => ({ nowMs: Date.now(), newSessionId: uuidv7 })
  const send = (message: Buffer): void => {
    if (socket.writable) socket.write(message)
  }
  const timers: NodeJS.Timeout[] = []
  const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms))

  const hangUp = (): void => {
    settled = true
    commits?.stop()
    socket.end()
    socket.resume()
    after(lingerMs, () => socket.destroy())
  }

  const endSession = (how: SessionEnding): Promise<void> => {
    if (!session) return Promise.resolve()
    const { logId } = session
    const said = abortText === null ? how : { ...how, reason: 'aborted' as const, detail: abortText }
    ending ??= session.end(said).finally(() => sessions.release(logId))
    return ending
  }

  const sessionEnd = async (): Promise<void> => {
    await ending?.catch((error: unknown) => log.error({ err: error }, 'session end not recorded'))
  }

  const attach = (opened: SessionRecorder): void => {
    session = opened
    commits = createCommitPoints({
      send: (elapsedNs) => {
        if (socket.writableLength < unreadReplyBytes) send(serverMessage.commitPoint(elapsedNs))
      },
      sentNs: () => state.elapsedNs,
      belowSent: takesEqualForFinal(state.client),
      fromNs: state.elapsedNs,
      everyMs: commitEveryMs,
    })
    opened.onCommit(commits.durable)
    opened.onDrained(() => onDrained())
    opened.onAbort(abort)
  }

  const open = async (effect: Extract<Effect, { do: 'open' }>): Promise<void> => {
    const { ttyMode } = options
    const opened = await recorder.open({
      ...effect.opening,
      ...(effect.opening.tty !== null && ttyMode && { ttyMode }),
    })
    sessions.claim(opened.logId)
    attach(opened)
    send(serverMessage.logId(opened.logId))
  }

  const resume = async ({ logId, resumePointNs }: Extract<Effect, { do: 'resume' }>): Promise<void> => {
    sessions.claim(logId)
    try {
      attach(await recorder.resume(logId, resumePointNs))
    } catch (error) {
      sessions.release(logId)
      throw error
    }
    sessions.taken(logId)
  }

  const perform = (effect: Effect): Promise<void> | undefined => {
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
        commits?.stop()
        send(serverMessage.commitPoint(effect.elapsedNs))
        break
      case 'hangUp':
        hangUp()
    }
    return undefined
  }

  const performAll = async (effects: readonly Effect[]): Promise<void> => {
    for (const effect of effects) await perform(effect)
  }

  const consume = async (): Promise<void> => {
    for (let message = reader.next(); message !== null && !settled; message = reader.next()) {
      const result = step(state, decodeClientMessage(message), context())
      state = result.state
      for (const effect of result.effects) {
        const pending = perform(effect)
        if (pending) await pending
      }
      if (session && session.pendingBytes > pauseAboveBytes && !settled) {
        await new Promise<void>((resolve) => {
          onDrained = resolve
        })
      }
    }
  }

  const clientGone = async (): Promise<void> => {
    if (settled) return
    settled = true
    commits?.stop()
    const { phase, elapsedNs, client } = state
    await performAll(lost(state, context()).effects)
    if (phase === 'recording' && session) {
      if (abortText === null && mayComeBack(client)) {
        sessions.release(session.logId)
        sessions.leave(session, elapsedNs)
      } else {
        const partial = reader.bufferedBytes > 0 ? ', inside a message' : ''
        await endSession(unfinished('recorder_killed', `sudo went away without an exit${partial}`, elapsedNs))
      }
    }
    hangUp()
  }

  const fail = async (error: unknown): Promise<void> => {
    if (settled) return
    settled = true
    commits?.stop()
    log.warn({ err: error, sessionId: session?.sessionId, client: state.client }, 'sudo connection failed')
    send(serverMessage.error(textFor(error)))
    const detail = error instanceof Error ? error.message : String(error)
    try {
      if (state.phase === 'noting') await performAll(lost(state, context()).effects)
      await endSession(unfinished('truncated', detail, state.elapsedNs))
    } catch (cause) {
      log.error({ err: cause, sessionId: session?.sessionId }, 'session end not recorded')
    }
    hangUp()
  }

  const pumpOnce = async (): Promise<void> => {
    try {
      await consume()
      if (clientEnded) await clientGone()
    } catch (error) {
      await fail(error)
    }
    pumping = null
    socket.resume()
  }
  const pump = (): Promise<void> => (pumping ??= pumpOnce())

  const abort = (text: string): void => {
    if (settled || ending || abortText !== null) return
    if (!session) return void fail(new BartizanError('BTZ_UNAVAILABLE', text))
    abortText = text
    send(serverMessage.abort(text))
    after(lingerMs, () => {
      if (ending) return
      onDrained()
      void clientGone().catch(fail)
    })
  }

  const closed = new Promise<void>((resolve) => {
    socket.once('close', async () => {
      clientEnded = true
      await pump()
      await pump() // the one before may have been past its last look
      await sessionEnd()
      timers.forEach(clearTimeout)
      resolve()
    })
  })
  socket.on('error', (error) => log.debug({ err: error }, 'sudo connection broke'))
  socket.on('end', () => {
    clientEnded = true
    void pump()
  })
  socket.on('data', (chunk: Buffer) => {
    if (settled) return
    reader.push(chunk)
    if (pumping) socket.pause()
    else void pump()
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
