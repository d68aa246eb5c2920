import type { SessionLogin } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SessionRow } from './catalog.ts'

/** Which login opened the connection of a session: the last one before it, since a client may use its port again. */

/** Clocks of one host, read by sshd, by its log and by the recorder. */
const slackMs = 2_000
const failuresWindowMs = 24 * 3_600_000
/** More are not counted. */
export const maxFailures = 1_000

export type LoginPlace = { connectionId: string; bastion: string; notAfterMs: number }
export type FailurePlace = { sourceIp: string; bastion: string; fromMs: number; toMs: number }

export const loginPlace = ({ connectionId, bastion, startedAt }: SessionRow): LoginPlace | null =>
  connectionId === null ? null : { connectionId, bastion, notAfterMs: Date.parse(startedAt) + slackMs }

export const failurePlace = ({ sourceIp, bastion, at }: SessionEvent): FailurePlace | null => {
  const toMs = Date.parse(at)
  return sourceIp ? { sourceIp, bastion, fromMs: toMs - failuresWindowMs, toMs } : null
}

/** `login`: the row of the event. */
export const sessionLogin = (login: SessionEvent, failuresBefore: number): SessionLogin | null => {
  if (login.kind !== 'login') return null
  const { at, method = null, keyFingerprint = null, certId = null, certSerial = null, certCa = null } = login
  return { at, method, keyFingerprint, certId, certSerial, certCa, failuresBefore }
}
