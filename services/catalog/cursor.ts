import { hash } from 'node:crypto'
import { z } from 'zod'
import { BartizanError } from '../errors.ts'

/** Where a page ended, and of which query: opaque to whoever holds it, and good for that query alone. */

const maxChars = 1_024

/** Dates count by their time, absent members not at all, the page's size neither. */
const digestOf = (list: string, query: object): string => {
  const members = Object.entries(query).filter(
    ([name, value]) => !['limit', 'cursor'].includes(name) && value !== undefined,
  )
  return hash('sha256', JSON.stringify([list, members.sort(([a], [b]) => (a < b ? -1 : 1))])).slice(0, 16)
}

export const encodeCursor = (list: string, query: object, place: unknown): string =>
  Buffer.from(JSON.stringify([digestOf(list, query), place])).toString('base64url')

const refuse = (why: string): never => {
  throw new BartizanError('BTZ_CATALOG_CURSOR', `the page cursor ${why}`, { hint: 'ask for the first page again' })
}

/** The place in it, or null for a first page. @throws BTZ_CATALOG_CURSOR */
export const decodeCursor = <Place>(
  list: string,
  query: { cursor?: string | undefined },
  place: z.ZodType<Place>,
): Place | null => {
  if (query.cursor === undefined) return null
  if (query.cursor.length > maxChars) return refuse('is not one of ours')
  const bytes = Buffer.from(query.cursor, 'base64url')
  if (bytes.toString('base64url') !== query.cursor) return refuse('is not one of ours') // decoding skips what is no base64
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString())
  } catch {
    return refuse('is not one of ours')
  }
  const pair = z.tuple([z.string(), z.unknown()]).safeParse(parsed)
  if (!pair.success) return refuse('is not one of ours')
  if (pair.data[0] !== digestOf(list, query)) return refuse('belongs to another query')
  const result = place.safeParse(pair.data[1])
  return result.success ? result.data : refuse('is not one of ours')
}
