import type { z } from 'zod'
import { maskedEvent } from '#hooks/agent/event-chain.ts'
import { createLineIds } from '#hooks/openssh/line-ids.ts'
import type { LineEvent } from '#hooks/openssh/take-lines.ts'
import { jsonObject } from '#services/json.ts'
import { SessionEvent } from '#services/schema/session-event.ts'

const maxReasonChars = 300

export type ReadEvent = { event: LineEvent } | { refused: string }

/** Names what is wrong and where, never a value: it may be a secret. */
const reasonOf = (error: z.ZodError): string =>
  error.issues
    .map(({ path, code }) => `${path.join('.') || 'event'}: ${code}`)
    .join('; ')
    .slice(0, maxReasonChars)

/**
 * Lines of events as any program may write them: fields as in the event format, times RFC 3339 in UTC. What is left out
 * is put in: `bastion`, and an `id` that is the same whenever the same file is read.
 */
export const createEventLines = (bastion: string) => {
  const ids = createLineIds(bastion, [], 'ndjson')
  const idOf = (line: string, at: unknown): string => {
    const atMs = typeof at === 'string' ? Date.parse(at) : Number.NaN
    return ids.of(line, ids.nth(line, Number.isNaN(atMs) ? 0 : atMs), 0)
  }
  return (line: string): ReadEvent => {
    const given = jsonObject(line)
    if (given === null) return { refused: 'not a JSON object' }
    const event = { bastion, ...given, id: given.id ?? idOf(line, given.at) }
    const result = SessionEvent.safeParse(event)
    if (!result.success) return { refused: reasonOf(result.error) }
    // As it was written, unknown fields included, but for secrets on command lines.
    return { event: maskedEvent<LineEvent>({ ...event, ...pick(result.data) }) }
  }
}

/** What the schema has made sure of. */
const pick = ({ id, kind, at, source, bastion }: SessionEvent) => ({ id, kind, at, source, bastion })
