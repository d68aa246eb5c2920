import {
  eventPrefixOf,
  evidenceFormats,
  parseSessionKey,
  sessionPrefix,
} from '#services/recordings/format/evidence-keys.ts'
import type { Checked, Finding } from '../finding.ts'
import type { ReadObject } from '../read-objects.ts'
import { verifyEvents } from './events.ts'
import { type ContentKeys, verifySession } from './session.ts'

/** All that depends on the formats of evidence stands in this folder and in recordings/format. */

/** What belongs together, and is verified together: a session, or a partition of events. Null: no evidence is named so. */
export const groupOf = (key: string): string | null => parseSessionKey(key)?.prefix ?? eventPrefixOf(key)

export const verifyGroup = (
  prefix: string,
  objects: AsyncIterable<ReadObject>,
  keys: ContentKeys | null,
): AsyncGenerator<Finding, Checked> =>
  eventForm.test(prefix) ? verifyEvents(prefix, objects, keys) : verifySession(prefix, objects, keys)

const eventForm = /^evidence\/v[01]\/events\//
const dayMs = 86_400_000

/** Where a session stands, most likely: on the UTC date in its id (RFC 9562, 5.7), or the day before or after. */
export const prefixesOf = (sessionId: string): string[] => {
  const idMs = Number.parseInt(sessionId.slice(0, 8) + sessionId.slice(9, 13), 16)
  return [idMs - dayMs, idMs, idMs + dayMs].flatMap((atMs) => {
    const date = new Date(atMs)
    if (atMs < 0 || Number.isNaN(date.getTime())) return []
    return evidenceFormats.map((format) => sessionPrefix(date.toISOString().slice(0, 10), sessionId, format))
  })
}
