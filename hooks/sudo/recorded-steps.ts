import type { SessionEnding } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import type {
  AcceptMessage,
  AlertMessage,
  ChangeWindowSize,
  CommandSuspend,
  ExitMessage,
  RejectMessage,
  TimeSpec,
} from '#services/schema/generated/log_server_pb.ts'
import type { Marker } from '#services/schema/marker.ts'
import { readCommandInfo } from './command-info.ts'
import type { Context, Result, State } from './connection-state.ts'
import type { IoSaid } from './io-message.ts'
import { maxNs, toNs } from './time-spec.ts'

export const subcommand = (state: State, message: AcceptMessage): Result => {
  const info = readCommandInfo(message.infoMsgs)
  if (info.command === null) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'an accept without command')
  const marker: Marker = { type: 'exec', argv: info.argv, command: info.command, cwd: info.cwd, runAs: info.runUser }
  return { state, effects: [{ do: 'marker', marker }, ...(message.expectIobufs ? [{ do: 'sendLogId' } as const] : [])] }
}

export const withMarker =
  <M extends AlertMessage | RejectMessage>(
    report: (state: State, message: M, context: Context) => Result,
    says: string,
  ) =>
  (state: State, message: M, context: Context): Result => {
    const { effects } = report(state, message, context)
    const marker: Marker = { type: 'alert', reason: `${says}${message.reason.slice(0, 4096)}` }
    return { state, effects: [{ do: 'marker', marker }, ...effects] }
  }

type Delay = Pick<TimeSpec, 'tvSec' | 'tvNsec'>

const record = (state: State, stream: Stream, delay: Delay | undefined, data: Uint8Array): Result => {
  const delayNs = toNs(delay)
  const elapsedNs = state.elapsedNs + delayNs
  if (elapsedNs > maxNs) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'delays of more than a century')
  return { state: { ...state, elapsedNs }, effects: [{ do: 'frame', frame: { delayNs, stream, data } }] }
}

export const bytes =
  (stream: Stream) =>
  (state: State, { delay, data }: IoSaid['value']): Result =>
    record(state, stream, delay, data)

export const resize = (state: State, { delay, rows, cols }: ChangeWindowSize): Result => {
  if (rows < 0 || rows > 0xffff || cols < 0 || cols > 0xffff) {
    throw new BartizanError('BTZ_SUDO_PROTOCOL', `a window of ${rows} rows and ${cols} columns`)
  }
  return record(state, Stream.RESIZE, delay, Uint8Array.of(rows >> 8, rows & 0xff, cols >> 8, cols & 0xff))
}

export const suspend = (state: State, { delay, signal }: CommandSuspend): Result => {
  if (!/^[A-Z0-9+-]{1,16}$/.test(signal))
    throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a suspend without a signal name')
  return record(state, Stream.SUSPEND, delay, Buffer.from(signal, 'latin1'))
}

export const exit = (state: State, message: ExitMessage): Result => {
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
