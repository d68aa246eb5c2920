import type { AcceptMessage, ExitMessage } from '#services/schema/generated/log_server_pb.ts'
import { readCommandInfo } from './command-info.ts'
import type { Context, Result, State } from './connection-state.ts'
import { unrecordedCommand, unrecordedEnd } from './events.ts'
import { toNs, toUnixMs } from './time-spec.ts'

export const unrecordedSubcommand = (state: State, message: AcceptMessage, { nowMs }: Context): Result => {
  const atMs = toUnixMs(message.submitTime, nowMs)
  const { sessionId, startedAtMs } = state.noted!
  const sinceMs = Math.max(0, atMs - startedAtMs)
  const event = unrecordedCommand(readCommandInfo(message.infoMsgs), sessionId, atMs, sinceMs)
  return { state, effects: [{ do: 'event', event }] }
}

export const unrecordedExit = (state: State, message: ExitMessage | null, { nowMs }: Context): Result => {
  const { sessionId, startedAtMs } = state.noted!
  const event = unrecordedEnd(state.origin!, sessionId, nowMs, {
    durationMs: message?.runTime ? Number(toNs(message.runTime) / 1_000_000n) : Math.max(0, nowMs - startedAtMs),
    exitCode: message && message.error === '' ? message.exitValue : null,
    exitSignal: message?.signal ? message.signal.slice(0, 32) : null,
  })
  return { state: { ...state, phase: 'done' }, effects: [{ do: 'event', event }, { do: 'hangUp' }] }
}
