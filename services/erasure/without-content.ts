import type { Alert } from '../schema/alert.ts'
import type { Session } from '../schema/session.ts'
import { commonEventFields, type EventKind, type SessionEvent } from '../schema/session-event.ts'

/**
 * What stays of a session that was erased: who, when, from where, how it ended. Nothing that was typed, printed, started
 * or named in it.
 */

/** Where it led to is content: a person named it. */
const ofAll = [...commonEventFields.filter((name) => name !== 'target'), 'connectionId', 'parentId']
const login = ['method', 'keyFingerprint', 'certId', 'certSerial', 'certCa', 'mfa', 'clientVersion']
const health = ['status', 'agent', 'seq', 'spoolBytes', 'lagMs', 'detail', 'version', 'nodeVersion', 'protocol']

/** What else a kind keeps. Unknown fields go: nobody knows what is in them. */
const kept: Record<EventKind, readonly string[]> = {
  login,
  login_failed: [...login, 'reason'],
  session_started: ['protocol', 'tty', 'recorded', 'hook', 'runAs'],
  session_ended: [
    'durationMs',
    'outBytes',
    'inBytes',
    'maxIdleMs',
    'exitCode',
    'exitSignal',
    'recorded',
    'hook',
    'runAs',
  ],
  command: ['runAs', 'exitCode', 'via', 'atMs'],
  file_transfer: ['direction', 'sizeBytes', 'fileCount', 'protocol'],
  port_forward: ['direction'],
  privilege_change: ['fromUser', 'toUser'],
  posture: ['check', 'status'],
  recorder_health: health,
  access: ['target', 'actor', 'action', 'object', 'reason', 'salt', 'person'], // of those who watched: theirs, and not the session's
}

/** Idempotent. */
export const eventWithoutContent = (event: SessionEvent): SessionEvent => {
  const names = new Set([...ofAll, ...kept[event.kind]])
  const rest = Object.fromEntries(Object.entries(event).filter(([name]) => names.has(name)))
  return (event.kind === 'command' ? { ...rest, argv: [], line: '' } : rest) as SessionEvent
}

export const titleOfErased = (rule: string): string => `${rule}: about a session that was erased`
export const explanationOfErased = 'What this alert said came from a session that was erased.'

/** An alert may be about several sessions; what it says of them cannot be told apart. Idempotent. */
export const alertWithoutContent = (alert: Alert): Alert => ({
  ...alert,
  title: titleOfErased(alert.rule),
  explanation: explanationOfErased,
  baseline: null,
})

export const isAboutSession = ({ sessionId, sessionIds }: Alert, id: string): boolean =>
  sessionId === id || sessionIds.includes(id)

type Row = Pick<Session, 'target' | 'endDetail' | 'argv' | 'exitSignal'>

/** Idempotent. */
export const rowWithoutContent = <R extends Row>(row: R): R => ({ ...row, target: null, endDetail: null, argv: [] })
