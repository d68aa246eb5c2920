import { BartizanError } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { Context, Result, State } from './connection-state.ts'
import { accept, alert, hello, reject, restart } from './greeting-steps.ts'
import type { ClientSaid } from './messages.ts'
import { unrecordedExit, unrecordedSubcommand } from './noted-steps.ts'
import { bytes, exit, resize, subcommand, suspend, withMarker } from './recorded-steps.ts'

type Kind = ClientSaid['case']
type Said<K extends Kind> = Extract<ClientSaid, { case: K }>['value']
type Handlers = { [K in Kind]?: (state: State, message: Said<K>, context: Context) => Result }

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
