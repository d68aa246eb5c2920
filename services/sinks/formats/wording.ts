import type { EventKind, SessionEvent } from '../../schema/session-event.ts'

/** What each kind is called, in formats that want a name for people. */
export const kindNames: Record<EventKind, string> = {
  login: 'Login',
  login_failed: 'Login failed',
  session_started: 'Session started',
  session_ended: 'Session ended',
  command: 'Command',
  file_transfer: 'File transfer',
  port_forward: 'Port forward',
  privilege_change: 'Privilege change',
  posture: 'Posture check',
  recorder_health: 'Recorder health',
  access: 'Access to Bartizan',
}

const by = (event: SessionEvent): string =>
  `${event.user || 'unknown user'}${event.sourceIp ? ` from ${event.sourceIp}` : ''} on ${event.bastion}`

const details = (event: SessionEvent): string => {
  switch (event.kind) {
    case 'login':
      return `${event.method ?? 'unknown method'}, ${by(event)}`
    case 'login_failed':
      return `${event.reason ?? 'unknown reason'}, ${by(event)}`
    case 'session_started':
      return `${event.protocol}, ${by(event)}`
    case 'session_ended':
      return `after ${Math.round(event.durationMs / 1000)} s, ${by(event)}`
    case 'command':
      return `${event.line || event.argv.join(' ')}`
    case 'file_transfer':
      return `${event.direction} of ${event.sizeBytes} bytes by ${event.protocol}, ${by(event)}`
    case 'port_forward':
      return `${event.direction} to ${event.destHost ?? 'any'}:${event.destPort ?? 'any'}, ${by(event)}`
    case 'privilege_change':
      return `${event.method ?? 'unknown method'}: ${event.fromUser ?? event.user ?? 'unknown'} to ${event.toUser ?? 'unknown'} on ${event.bastion}`
    case 'posture':
      return `${event.check} is ${event.status} on ${event.bastion}`
    case 'recorder_health':
      return `${event.status} on ${event.bastion}`
    case 'access':
      return `${event.actor}: ${event.action}`
  }
}

/** One sentence for people; may hold anything a user typed. */
export const sentence = (event: SessionEvent): string => {
  const said = details(event)
  return said === '' ? kindNames[event.kind] : `${kindNames[event.kind]}: ${said}`
}
