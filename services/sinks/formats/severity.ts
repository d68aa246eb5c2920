import type { Severity } from '../../schema/alert.ts'
import type { SessionEvent } from '../../schema/session-event.ts'
import type { Outgoing } from '../sink.ts'

type Scale = Record<Severity, number>

/** As Elastic's own detection rules score them. */
export const riskScores: Scale = { info: 0, low: 21, medium: 47, high: 73, critical: 99 }
/** 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high. */
export const cefSeverities: Scale = { info: 1, low: 3, medium: 5, high: 8, critical: 10 }
export const ocsfSeverities: Scale = { info: 1, low: 2, medium: 3, high: 4, critical: 5 }
/** RFC 5424, 6.2.1: informational, notice, warning, error, critical. */
export const syslogSeverities: Scale = { info: 6, low: 5, medium: 4, high: 3, critical: 2 }

const ofHealth = { ok: 'info', stopped: 'medium', killed: 'high', tampered: 'critical' } as const
const ofPosture = { ok: 'info', warn: 'low', fail: 'medium' } as const

const severityOfEvent = (event: SessionEvent): Severity => {
  if (event.kind === 'recorder_health') return ofHealth[event.status]
  if (event.kind === 'posture') return ofPosture[event.status]
  return event.kind === 'login_failed' ? 'low' : 'info'
}

export const severityOf = (item: Outgoing): Severity =>
  item.type === 'alert' ? item.alert.severity : severityOfEvent(item.event)
