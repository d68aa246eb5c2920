import type { BusRecord } from '#services/bus/bus.ts'
import type { ErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { receivedEvent } from '#services/origin/received-event.ts'
import { Alert, Severity } from '#services/schema/alert.ts'
import { decodeEvent } from '#services/schema/decode-event.ts'
import { decodeRecord } from '#services/schema/decode-record.ts'
import type { Send } from '#services/schema/sink-settings.ts'
import type { Outgoing } from '#services/sinks/sink.ts'
import type { PutAside } from './put-aside.ts'

const noBastion = 'none' // of an alert over several

/** What a record of `session-events` or `alerts` says, or why it says nothing. Pure. */
export const decode = (record: BusRecord): { item: Outgoing } | { reason: string } => {
  if (record.topic === 'alerts') {
    const alert = decodeRecord(Alert, record.value)
    return 'value' in alert ? { item: { type: 'alert', alert: alert.value } } : alert
  }
  const decoded = decodeEvent(record.value)
  return 'event' in decoded ? { item: { type: 'event', event: receivedEvent(decoded.event, record) } } : decoded
}

/** Whether a destination gets it. */
export const isWanted = (item: Outgoing, { events, alerts }: Send): boolean => {
  if (item.type === 'event') return events === 'all' || (events?.includes(item.event.kind) ?? false)
  const rank = (severity: Severity): number => Severity.options.indexOf(severity)
  return alerts !== undefined && rank(item.alert.severity) >= rank(alerts)
}

/** What comes late of a session that was erased goes nowhere. */
const isErased = (item: Outgoing, ids: ReadonlySet<string>): boolean => {
  if (item.type === 'event') return item.event.kind !== 'access' && ids.has(item.event.sessionId ?? '')
  return [item.alert.sessionId, ...item.alert.sessionIds].some((id) => id !== null && ids.has(id))
}

export type ReadItem = (record: BusRecord) => Promise<Outgoing | null>

/**
 * Null: it is about a session that was erased; it cannot be read, and was put aside; or who wrote it may not speak for its bastion, which the recorder puts aside:
 * here it only must not go out.
 */
export const createReadItem =
  (options: {
    origins: OriginCheck | null
    erased: Pick<ErasedSessions, 'ids'>
    putAside: PutAside
    unproven: () => void
  }): ReadItem =>
  async (record) => {
    const decoded = decode(record)
    if ('reason' in decoded) {
      await options.putAside.record(record, { code: 'BTZ_REQUEST_INVALID', reason: decoded.reason })
      return null
    }
    const { item } = decoded
    if (isErased(item, await options.erased.ids())) return null
    const bastion = (item.type === 'event' ? item.event.bastion : item.alert.bastion) ?? noBastion
    if (options.origins === null || (await options.origins.refuse(record, bastion)) === null) return item
    options.unproven()
    return null
  }
