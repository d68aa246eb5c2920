import type { HookEvent, SessionEnding, SessionOpening } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type {
  AcceptMessage,
  AlertMessage,
  ChangeWindowSize,
  CommandSuspend,
  ExitMessage,
  IoBuffer,
  RejectMessage,
  TimeSpec,
} from '#services/schema/generated/log_server_pb.ts'
import type { Marker } from '#services/schema/marker.ts'
import { readCommandInfo } from './command-info.ts'
import { alertEvent, refusalEvent, unrecordedCommand, unrecordedEnd, unrecordedStart } from './events.ts'
import type { ClientSaid } from './messages.ts'
import { type Origin, openingOf, originOf } from './opening.ts'
import { maxNs, toNs, toUnixMs } from './time-spec.ts'

/**
 * One connection. greeting: nothing decided yet; recording: a session with its bytes; noting: sudo reports a session
 * without recording it; done: nothing more may come.
 */
export type State = {
  phase: 'greeting' | 'recording' | 'noting' | 'done'
  client: string | null // what the hello said
  elapsedNs: bigint // sum of all delays, as the client counts it
  origin: Origin | null // null after a restart, which does not say who
  noted: { sessionId: string; startedAtMs: number } | null
}

/** What is to be done about a message, in this order. */
export type Effect =
  | { do: 'open'; opening: SessionOpening }
  | { do: 'resume'; logId: string; resumePointNs: bigint }
  | { do: 'frame'; frame: Frame }
  | { do: 'marker'; marker: Marker }
  | { do: 'event'; event: HookEvent } // in a recorded session: with its session id
  | { do: 'sendLogId' }
  | { do: 'end'; ending: SessionEnding }
  | { do: 'commit'; elapsedNs: bigint } // the final one: exactly what the client counted
  | { do: 'hangUp' }

export type Context = { nowMs: number; newSessionId: () => string }
export type Result = { state: State; effects: Effect[] }

type Kind = ClientSaid['case']
type Said<K extends Kind> = Extract<ClientSaid, { case: K }>['value']
type Handlers = { [K in Kind]?: (state: State, message: Said<K>, context: Context) => Result }

export const initialState: State = { phase: 'greeting', client: null, elapsedNs: 0n, origin: null, noted: null }

const hello = (state: State, { clientId }: { clientId: string }): Result => {
  if (state.client !== null) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a second hello')
  return { state: { ...state, client: clientId.slice(0, 256) }, effects: [] }
}

const accept = (state: State, message: AcceptMessage, context: Context): Result => {
  const info = readCommandInfo(message.infoMsgs)
  const startedAtMs = toUnixMs(message.submitTime, context.nowMs)
  const opening = openingOf(info, state.client ?? 'unknown', startedAtMs)
  const origin = originOf(info)
  if (message.expectIobufs)
    return { state: { ...state, phase: 'recording', origin }, effects: [{ do: 'open', opening }] }
  const sessionId = context.newSessionId()
  return {
    state: { ...state, phase: 'noting', origin, noted: { sessionId, startedAtMs } },
    effects: unrecordedStart(info, sessionId, startedAtMs).map((event) => ({ do: 'event', event })),
  }
}

const reject = (state: State, message: RejectMessage, { nowMs }: Context): Result => {
  const info = readCommandInfo(message.infoMsgs)
  const event = refusalEvent(info, message.reason.slice(0, 4096), toUnixMs(message.submitTime, nowMs))
  if (state.phase !== 'greeting') return { state, effects: [{ do: 'event', event }] }
  // sudo hangs up by itself, sudo_sendlog waits for the server to do it.
  return { state: { ...state, phase: 'done' }, effects: [{ do: 'event', event }, { do: 'hangUp' }] }
}

const alert = (state: State, message: AlertMessage, { nowMs }: Context): Result => {
  const said = readCommandInfo(message.infoMsgs)
  const origin = said.submitUser === null && state.origin ? state.origin : originOf(said)
  const event = alertEvent(origin, message.reason.slice(0, 4096), toUnixMs(message.alertTime, nowMs))
  if (state.phase !== 'greeting') return { state, effects: [{ do: 'event', event }] }
  return { state: { ...state, phase: 'done' }, effects: [{ do: 'event', event }, { do: 'hangUp' }] }
}

const restart = (state: State, message: { logId: string; resumePoint?: TimeSpec }): Result => {
  const resumePointNs = toNs(message.resumePoint)
  if (message.logId === '' || message.logId.length > 256)
    throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a restart without a log id')
  return {
    // The client goes on counting from the resume point, not from 0.
    state: { ...state, phase: 'recording', elapsedNs: resumePointNs },
    effects: [{ do: 'resume', logId: message.logId, resumePointNs }],
  }
}

const subcommand = (state: State, message: AcceptMessage): Result => {
  const info = readCommandInfo(message.infoMsgs)
  if (info.command === null) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'an accept without command')
  const marker: Marker = { type: 'exec', argv: info.argv, command: info.command, cwd: info.cwd, runAs: info.runUser }
  return { state, effects: [{ do: 'marker', marker }, ...(message.expectIobufs ? [{ do: 'sendLogId' } as const] : [])] }
}

const withMarker =
  <M extends AlertMessage | RejectMessage>(
    report: (state: State, message: M, context: Context) => Result,
    says: string,
  ) =>
  (state: State, message: M, context: Context): Result => {
    const { effects } = report(state, message, context)
    const marker: Marker = { type: 'alert', reason: `${says}${message.reason.slice(0, 4096)}` }
    return { state, effects: [{ do: 'marker', marker }, ...effects] }
  }

const record = (state: State, stream: Stream, delay: TimeSpec | undefined, data: Uint8Array): Result => {
  const delayNs = toNs(delay)
  const elapsedNs = state.elapsedNs + delayNs
  if (elapsedNs > maxNs) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'delays of more than a century')
  return { state: { ...state, elapsedNs }, effects: [{ do: 'frame', frame: { delayNs, stream, data } }] }
}

const bytes =
  (stream: Stream) =>
  (state: State, { delay, data }: IoBuffer): Result =>
    record(state, stream, delay, data)

const resize = (state: State, { delay, rows, cols }: ChangeWindowSize): Result => {
  if (rows < 0 || rows > 0xffff || cols < 0 || cols > 0xffff) {
    throw new BartizanError('BTZ_SUDO_PROTOCOL', `a window of ${rows} rows and ${cols} columns`)
  }
  return record(state, Stream.RESIZE, delay, Uint8Array.of(rows >> 8, rows & 0xff, cols >> 8, cols & 0xff))
}

const suspend = (state: State, { delay, signal }: CommandSuspend): Result => {
  if (!/^[A-Z0-9+-]{1,16}$/.test(signal))
    throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a suspend without a signal name')
  return record(state, Stream.SUSPEND, delay, Buffer.from(signal, 'latin1'))
}

const exit = (state: State, message: ExitMessage): Result => {
  const failed = message.error !== ''
  const ending: SessionEnding = {
    reason: 'exit',
    exitCode: failed ? null : message.exitValue,
    signal: message.signal === '' ? null : message.signal.slice(0, 32),
    dumpedCore: message.dumpedCore,
    detail: failed ? `sudo could not run the command: ${message.error.slice(0, 1024)}` : '',
    runTimeNs: toNs(message.runTime),
  }
  return {
    state: { ...state, phase: 'done' },
    effects: [{ do: 'end', ending }, { do: 'commit', elapsedNs: state.elapsedNs }, { do: 'hangUp' }],
  }
}

const unrecordedSubcommand = (state: State, message: AcceptMessage, { nowMs }: Context): Result => {
  const atMs = toUnixMs(message.submitTime, nowMs)
  const { sessionId, startedAtMs } = state.noted!
  const sinceMs = Math.max(0, atMs - startedAtMs)
  const event = unrecordedCommand(readCommandInfo(message.infoMsgs), sessionId, atMs, sinceMs)
  return { state, effects: [{ do: 'event', event }] }
}

const unrecordedExit = (state: State, message: ExitMessage | null, { nowMs }: Context): Result => {
  const { sessionId, startedAtMs } = state.noted!
  const event = unrecordedEnd(state.origin!, sessionId, nowMs, {
    durationMs: message?.runTime ? Number(toNs(message.runTime) / 1_000_000n) : Math.max(0, nowMs - startedAtMs),
    exitCode: message && message.error === '' ? message.exitValue : null,
    exitSignal: message?.signal ? message.signal.slice(0, 32) : null,
  })
  return { state: { ...state, phase: 'done' }, effects: [{ do: 'event', event }, { do: 'hangUp' }] }
}

const table: Record<State['phase'], Handlers> = {
  greeting: { helloMsg: hello, acceptMsg: accept, rejectMsg: reject, alertMsg: alert, restartMsg: restart },
  recording: {
    acceptMsg: subcommand,
    rejectMsg: withMarker(reject, 'refused by policy: '),
    alertMsg: withMarker(alert, ''),
    ttyinBuf: bytes(Stream.TTYIN),
    ttyoutBuf: bytes(Stream.TTYOUT),
    stdinBuf: bytes(Stream.STDIN),
    stdoutBuf: bytes(Stream.STDOUT),
    stderrBuf: bytes(Stream.STDERR),
    winsizeEvent: resize,
    suspendEvent: suspend,
    exitMsg: exit,
  },
  noting: { acceptMsg: unrecordedSubcommand, rejectMsg: reject, alertMsg: alert, exitMsg: unrecordedExit },
  done: {},
}

const apply = <K extends Kind>(state: State, kind: K, message: Said<K>, context: Context): Result => {
  const handlers: Handlers = table[state.phase]
  const handler = handlers[kind]
  if (!handler) throw new BartizanError('BTZ_SUDO_PROTOCOL', `${kind} while ${state.phase}`)
  return handler(state, message, context)
}

/** @throws BTZ_SUDO_PROTOCOL for a message that may not come now, or has values that cannot be */
export const step = (state: State, said: ClientSaid, context: Context): Result =>
  apply(state, said.case, said.value, context)

/** The client is gone without an exit: what a session that was only noted still needs. */
export const lost = (state: State, context: Context): Result =>
  state.phase === 'noting' ? unrecordedExit(state, null, context) : { state: { ...state, phase: 'done' }, effects: [] }
