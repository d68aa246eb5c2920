import type { DatabaseSync } from 'node:sqlite'
import type { SessionEvent } from '../schema/session-event.ts'
import { eventText } from './search-text.ts'
import type { TextChange } from './sqlite-full-text.ts'
import { createTimeKeys } from './sqlite-time-key.ts'

export const createEventWriter = (database: DatabaseSync, changes: TextChange[]) => {
  const keys = createTimeKeys(database, 'event')
  const insert = database.prepare(
    `INSERT INTO event (time_key, id, kind, user, bastion, session_id, row, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING`,
  )
  const put = (event: SessionEvent): boolean => {
    const rowKey = keys.next(Date.parse(event.at))
    const text = eventText(event)
    const { id, kind, user = null, bastion, sessionId = null } = event
    const { changes: inserted } = insert.run(rowKey, id, kind, user, bastion, sessionId, JSON.stringify(event), text)
    if (inserted === 1) changes.push({ table: 'event_text', rowKey, text, user, replaces: false })
    return inserted === 1
  }
  return {
    putEvents: (events: SessionEvent[]): { inserted: number; duplicates: number } => {
      const inserted = events.filter(put).length
      return { inserted, duplicates: events.length - inserted }
    },
  }
}
