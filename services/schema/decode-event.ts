import { decodeRecord } from './decode-record.ts'
import { SessionEvent } from './session-event.ts'

/** `reason` names members and rules, nothing of what the record says. */
export type DecodedEvent = { event: SessionEvent } | { reason: string }

export const decodeEvent = (bytes: Uint8Array): DecodedEvent => {
  const decoded = decodeRecord(SessionEvent, bytes)
  return 'reason' in decoded ? decoded : { event: decoded.value }
}
