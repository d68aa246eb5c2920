import { Alert } from '../../schema/alert.ts'
import { SessionEvent } from '../../schema/session-event.ts'
import type { Format, FormatContext, Numbered, Outgoing } from '../sink.ts'
import { cut } from './cut.ts'
import type { Field } from './json-line.ts'

/** At most so many characters of a text, and entries of a list. */
type Limit = { characters: number; entries: number }

const limits: readonly Limit[] = [
  { characters: 2048, entries: 128 },
  { characters: 1024, entries: 32 },
  { characters: 512, entries: 16 },
  { characters: 256, entries: 8 },
  { characters: 128, entries: 4 },
]
const maxDepth = 16
const maxKnownFields = 40 // of an event: more than these are unknown to us
/** By these it is found again. */
const kept = new Set(['id', 'at', 'kind', 'bastion', 'sessionId', 'rule'])

const value = (of: Field, limit: Limit, depth = 0): Field => {
  if (typeof of === 'string') return cut(of, limit.characters)
  if (typeof of !== 'object' || of === null) return of
  if (depth === maxDepth) return '…[deeper than 16]'
  if (Array.isArray(of)) {
    const entries = of.slice(0, limit.entries).map((entry) => value(entry, limit, depth + 1))
    return of.length > limit.entries ? [...entries, `…[+${of.length - limit.entries} entries]`] : entries
  }
  const all = Object.entries(of)
  const fields = all.slice(0, limit.entries + (depth === 0 ? maxKnownFields : 0))
  const left = fields.map(([name, field]) => [
    cut(name, limit.characters),
    kept.has(name) ? field : value(field, limit, depth + 1),
  ])
  const mark = fields.length < all.length ? [['…', `+${all.length - fields.length} fields`]] : []
  return Object.fromEntries([...left, ...mark])
}

/** Null: it cannot be shortened so far and still be what it is. */
const shortened = (item: Outgoing, limit: Limit): Outgoing | null => {
  if (item.type === 'event') {
    const { data } = SessionEvent.safeParse(value(item.event as Field, limit))
    return data ? { type: 'event', event: data } : null
  }
  const { data } = Alert.safeParse(value(item.alert, limit))
  return data ? { type: 'alert', alert: data } : null
}

/**
 * The item in a format, in at most so many bytes of UTF-8. One that is larger is shortened field by field, each with a
 * mark of how much is missing, so that it stays well-formed; one that is still too large is not sent.
 */
export const fitted = (
  format: Format,
  numbered: Numbered,
  about: FormatContext,
  maxBytes: number,
): { text: string } | { reason: string } => {
  const whole = format(numbered, about)
  const wholeBytes = Buffer.byteLength(whole)
  if (wholeBytes <= maxBytes) return { text: whole }
  for (const limit of limits) {
    const item = shortened(numbered.item, limit)
    if (item === null) break
    const text = format({ ...numbered, item }, { ...about, shortenedFromBytes: wholeBytes })
    if (Buffer.byteLength(text) <= maxBytes) return { text }
  }
  return { reason: `${wholeBytes} bytes, and shortened still more than the ${maxBytes} that this destination takes` }
}
