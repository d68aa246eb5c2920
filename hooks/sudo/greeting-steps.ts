import { BartizanError } from '#services/errors.ts'
import type { AcceptMessage, AlertMessage, RejectMessage, TimeSpec } from '#services/schema/generated/log_server_pb.ts'
import { readCommandInfo } from './command-info.ts'
import type { Context, Result, State } from './connection-state.ts'
import { alertEvent, refusalEvent, unrecordedStart } from './events.ts'
import { openingOf, originOf } from './opening.ts'
import { toNs, toUnixMs } from './time-spec.ts'

export const hello = (state: State, { clientId }: { clientId: string }): Result => {
  if (state.client !== null) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a second hello')
  return { state: { ...state, client: clientId.slice(0, 256) }, effects: [] }
}

export const accept = (state: State, message: AcceptMessage, context: Context): Result => {
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

export const reject = (state: State, message: RejectMessage, { nowMs }: Context): Result => {
  const info = readCommandInfo(message.infoMsgs)
  const event = refusalEvent(info, message.reason.slice(0, 4096), toUnixMs(message.submitTime, nowMs))
  if (state.phase !== 'greeting') return { state, effects: [{ do: 'event', event }] }
  // sudo hangs up by itself, sudo_sendlog waits for the server to do it.
  return { state: { ...state, phase: 'done' }, effects: [{ do: 'event', event }, { do: 'hangUp' }] }
}

export const alert = (state: State, message: AlertMessage, { nowMs }: Context): Result => {
  const said = readCommandInfo(message.infoMsgs)
  const origin = said.submitUser === null && state.origin ? state.origin : originOf(said)
  const event = alertEvent(origin, message.reason.slice(0, 4096), toUnixMs(message.alertTime, nowMs))
  if (state.phase !== 'greeting') return { state, effects: [{ do: 'event', event }] }
  return { state: { ...state, phase: 'done' }, effects: [{ do: 'event', event }, { do: 'hangUp' }] }
}

export const restart = (state: State, message: { logId: string; resumePoint?: TimeSpec }): Result => {
  const resumePointNs = toNs(message.resumePoint)
  if (message.logId === '' || message.logId.length > 256)
    throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a restart without a log id')
  return {
    // The client goes on counting from the resume point, not from 0.
    state: { ...state, phase: 'recording', elapsedNs: resumePointNs },
    effects: [{ do: 'resume', logId: message.logId, resumePointNs }],
  }
}
