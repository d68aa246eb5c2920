import { stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { Recorder, SessionRecorder, TtyMode } from '#hooks/hook.ts'
import { createTtyMode, terminalOf } from '#hooks/sudo/tty-mode.ts'
import type { TtyProbe } from '#hooks/sudo/tty-probe.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { FromClient, type OpenRequest, readMessages, say } from './control.ts'
import { type Fifos, makeFifos } from './fifos.ts'
import { openingOf, userName } from './opening.ts'
import { type Recording, record } from './recording.ts'

export type ClientSession = {
  /** Ends it, with a text for its user. */
  abort(text: string): void
  /** Its session has its durable end, or never began. */
  readonly closed: Promise<void>
}

const unknownMode = (): Promise<TtyMode> => Promise.resolve('unknown')
const isOwnedBy = (pid: number, uid: number): Promise<boolean> =>
  stat(`/proc/${pid}`).then(
    (found) => found.uid === uid,
    () => false,
  )
const refusalOf = (error: unknown): string =>
  hasCode(error, 'BTZ_SPOOL_FULL') || hasCode(error, 'BTZ_UNAVAILABLE') || hasCode(error, 'BTZ_SCRIPT_FORMAT')
    ? (error as Error).message
    : 'the recording could not be started; the log of the agent says why'

/**
 * One `bartizan record`, from its first word to the durable end of its session. Once script runs, the FIFOs alone decide
 * when the session is over: a `bartizan record` that is killed ends nothing.
 */
export const serveClient = (
  socket: Socket,
  options: { uid: number; recorder: Recorder; probe: TtyProbe | null; idleOpenMs: number; log: Logger },
): ClientSession => {
  const { uid, recorder, probe, log } = options
  let request: OpenRequest | null = null
  let fifos: Fifos | null = null
  let recording: Recording | null = null
  let abortText: string | null = null
  let mode = unknownMode
  let isBeginning = false
  let isOver = false
  let done: () => void = () => {}
  const closed = new Promise<void>((resolve) => {
    done = resolve
  })
  const timer = setTimeout(() => refuse(new BartizanError('BTZ_SCRIPT_FORMAT', 'nothing was said')), options.idleOpenMs)

  const finish = async (): Promise<void> => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    await fifos?.close().catch((error: unknown) => log.warn({ err: error }, 'a FIFO was not closed'))
    socket.end()
    done()
  }
  const refuse = (error: unknown): void => {
    if (recording || isBeginning || isOver) return
    log.warn({ err: error, uid }, 'a recording of script was refused')
    say(socket, { type: 'refused', text: refusalOf(error) })
    void finish()
  }
  const watchEnd = async (started: Recording, session: SessionRecorder): Promise<void> => {
    try {
      await started.ended
      say(socket, { type: 'ended' })
    } catch (error) {
      log.error({ err: error, sessionId: session.sessionId }, 'the end of a session is not recorded')
    }
    await finish()
  }
  const abort = (text: string): void => {
    abortText = text
    if (!recording) refuse(new BartizanError('BTZ_UNAVAILABLE', text))
    else say(socket, { type: 'abort', text })
    recording?.abort(text)
  }

  const prepare = async (asked: OpenRequest): Promise<void> => {
    if (request) throw new BartizanError('BTZ_SCRIPT_FORMAT', 'a second opening')
    request = asked
    fifos = await makeFifos(uid)
    if (isOver) return fifos.close()
    say(socket, { type: 'fifos', data: fifos.data, timing: fifos.timing })
  }
  const open = async (asked: OpenRequest, { hide }: Fifos): Promise<SessionRecorder> => {
    isBeginning = true
    try {
      await hide()
      const opening = openingOf(asked, await userName(uid), Date.now())
      return await recorder.open({ ...opening, ...(probe && { ttyMode: () => mode() }) })
    } finally {
      isBeginning = false
    }
  }
  const begin = async (): Promise<void> => {
    if (!request || !fifos || recording) throw new BartizanError('BTZ_SCRIPT_FORMAT', 'no recording was asked for')
    clearTimeout(timer)
    const session = await open(request, fifos)
    recording = record(fifos.read(), session)
    void watchEnd(recording, session)
    session.onAbort(abort)
    if (abortText !== null) abort(abortText)
    say(socket, { type: 'recording', sessionId: session.sessionId })
  }
  const watchTerminal = async (pid: number): Promise<void> => {
    if (probe && (await isOwnedBy(pid, uid))) mode = createTtyMode(pid, probe, (id) => terminalOf(id))
  }
  const take = (message: FromClient): Promise<void> => {
    if (message.type === 'open') return prepare(message)
    return message.type === 'opened' ? begin() : watchTerminal(message.pid)
  }

  let turn: Promise<void> = Promise.resolve()
  readMessages(
    socket,
    FromClient,
    (message) => {
      turn = turn.then(() => (isOver ? undefined : take(message))).catch(refuse)
    },
    (problem) => {
      turn = turn.then(() => {
        if (!recording) refuse(problem ?? new BartizanError('BTZ_SCRIPT_FORMAT', 'the client went away'))
      })
    },
  )
  return { abort, closed }
}
