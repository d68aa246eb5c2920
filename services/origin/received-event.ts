import type { BusRecord } from '../bus/bus.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import { isByAgent } from './seal.ts'

/** An agent that writes to the bus by itself has its events received by the bus, and no word in when that was. */
export const receivedEvent = (event: SessionEvent, record: BusRecord): SessionEvent =>
  isByAgent(record) ? { ...event, receivedAt: new Date(record.timestampMs).toISOString() } : event
