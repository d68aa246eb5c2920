import { parseSessionKey, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import type { Checked, Finding } from '../finding.ts'
import type { ReadObject } from '../read-objects.ts'
import { verifyEvents } from './events.ts'
import { type ContentKeys, verifySession } from './session.ts'

/** All that depends on the version of the evidence format stands in this folder and in recordings/format. */

const eventForm = /^(evidence\/v0\/events\/[A-Za-z0-9_-]{1,200}\/[a-z-]{1,200}\/\d{1,10}\/)\d{20}$/

/** What belongs together, and is verified together: a session, or a partition of events. Null: no evidence is named so. */
export const groupOf = (key: string): string | null => parseSessionKey(key)?.prefix ?? eventForm.exec(key)?.[1] ?? null

export const verifyGroup = (
  prefix: string,
  objects: AsyncIterable<ReadObject>,
  keys: ContentKeys | null,
): AsyncGenerator<Finding, Checked> =>
  prefix.startsWith('evidence/v0/events/') ? verifyEvents(prefix, objects, keys) : verifySession(prefix, objects, keys)

const dayMs = 86_400_000

/** Where a session stands, most likely: on the UTC date in its id (RFC 9562, 5.7), or the day before or after. */
export const prefixesOf = (sessionId: string): string[] => {
  const idMs = Number.parseInt(sessionId.slice(0, 8) + sessionId.slice(9, 13), 16)
  return [idMs - dayMs, idMs, idMs + dayMs].flatMap((atMs) => {
    const date = new Date(atMs)
    return atMs < 0 || Number.isNaN(date.getTime()) ? [] : [sessionPrefix(date.toISOString().slice(0, 10), sessionId)]
  })
}
