import { addressRange } from '../address-key.ts'
import { foldedQuery } from '../catalog/search-text.ts'
import type { ErrorPosition } from '../errors.ts'
import type { NameMatch, SearchKind, SearchQuery } from '../schema/search-query.ts'
import { type FieldName, fixedValues } from './fields.ts'
import { queryError } from './query-error.ts'
import { instantMs, lengthMs } from './times.ts'

/** A word or a quoted text as it was meant, without quotes and backslashes. */
export type Typed = { text: string; isPrefix: boolean; position: ErrorPosition }
export type QueryTime = { nowMs: number; tz: string }

const maxValueChars = 256
const idChars = 36

const textKinds: Partial<Record<FieldName, SearchKind>> = { cmd: 'commands', screen: 'screen', event: 'events' }

/** @throws BTZ_QUERY_SYNTAX there is no word in it */
export const textOf = ({ text, isPrefix, position }: Typed, kind: SearchKind | null): SearchQuery => {
  const words = foldedQuery(text)
  if (words === '') throw queryError('there is nothing to look for here', position, 'write a word')
  return { is: 'text', in: kind, text: words, isPrefix }
}

const nameOf = (is: 'user' | 'host' | 'bastion', { text, isPrefix, position }: Typed): SearchQuery => {
  const value = text.toWellFormed()
  if (value === '' && !isPrefix) throw queryError(`${is}: needs a name`, position, `write one behind it, or ${is}:*`)
  if (value.length > maxValueChars) throw queryError(`${is}: has a name that is too long`, position, 'shorten it')
  return { is, ...({ value, isPrefix } satisfies NameMatch) }
}

/** Ids are told, copied and cut off: a beginning of one needs no star. */
const sessionOf = ({ text, position }: Typed): SearchQuery => {
  const value = text.toLowerCase()
  if (/^[0-9a-f-]{8,36}$/.test(value)) return { is: 'session', value, isPrefix: value.length < idChars }
  throw queryError('this is no id of a session', position, 'write all of it, or its first 8 characters or more')
}

const networkOf = ({ text, isPrefix, position }: Typed): SearchQuery => {
  const range = isPrefix ? null : addressRange(text)
  if (range) return { is: 'ip', ...range }
  throw queryError('this is no address and no network', position, 'write 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32')
}

const momentOf = (is: 'after' | 'before', { text, isPrefix, position }: Typed, time: QueryTime): SearchQuery => {
  const atMs = isPrefix ? null : instantMs(text, time)
  if (atMs !== null) return { is, atMs }
  const forms = '2026-11-01, 2026-11-01T09:30, 2026-11-01T09:30:00Z, today, yesterday, or 2h for two hours ago'
  throw queryError('this is no time', position, `write ${forms}`)
}

const oneOf = (name: 'has' | 'state', { text, isPrefix, position }: Typed): SearchQuery => {
  const values = fixedValues[name]!
  if (isPrefix || !values.includes(text))
    throw queryError(`${name}: does not know this value`, position, `write ${name}: with ${values.join(', ')}`)
  return name === 'has' ? { is: 'has', what: text === 'alert' ? 'alert' : 'transfer' } : { is: 'state', state: text }
}

/** @throws BTZ_QUERY_SYNTAX */
export const fieldOf = (name: Exclude<FieldName, 'duration'>, value: Typed, time: QueryTime): SearchQuery => {
  if (name === 'user' || name === 'host' || name === 'bastion') return nameOf(name, value)
  if (name === 'session') return sessionOf(value)
  if (name === 'ip') return networkOf(value)
  if (name === 'after' || name === 'before') return momentOf(name, value, time)
  if (name === 'has' || name === 'state') return oneOf(name, value)
  return textOf(value, textKinds[name]!)
}

/** @param operator with what stands before it, as `duration>=` @throws BTZ_QUERY_SYNTAX */
export const durationOf = (operator: string, { text, position }: Typed, { nowMs }: QueryTime): SearchQuery => {
  const hint = 'write duration>1h, duration<=90s or duration>1h30m'
  if (operator.endsWith(':')) throw queryError('duration is compared, and is not equal to anything', position, hint)
  const thanMs = lengthMs(text)
  if (thanMs === null) throw queryError('this is no length of time', position, hint)
  return { is: operator.includes('>') ? 'longer' : 'shorter', thanMs, orEqual: operator.endsWith('='), nowMs }
}
