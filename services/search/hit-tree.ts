import type { SearchKind, SearchQuery } from '../schema/search-query.ts'

/**
 * What has to hold of a row of one kind so that it is a hit. A text that is looked for in another kind of row
 * (`screen:denied`, asked of a command) holds where the row's session has it, but shows nothing in this row: where a query
 * holds by such texts alone, the row is no hit. So `cmd:sudo screen:denied` finds the commands with sudo, and the screens
 * with denied, of sessions that have both, and `cmd:sudo` no screens.
 */

const always: SearchQuery = { is: 'all', of: [] }
const never: SearchQuery = { is: 'any', of: [] }
const isAlways = (query: SearchQuery): boolean => query.is === 'all' && query.of.length === 0
export const isNever = (query: SearchQuery): boolean => query.is === 'any' && query.of.length === 0

const allOf = (of: readonly SearchQuery[]): SearchQuery => {
  const parts = of.flatMap((one) => (one.is === 'all' ? one.of : [one]))
  if (parts.some(isNever)) return never
  return parts.length === 1 ? parts[0]! : { is: 'all', of: parts }
}
const anyOf = (of: readonly SearchQuery[]): SearchQuery => {
  const parts = of.flatMap((one) => (one.is === 'any' ? one.of : [one]))
  if (parts.some(isAlways)) return always
  return parts.length === 1 ? parts[0]! : { is: 'any', of: parts }
}

export const isOwnText = (query: SearchQuery, kind: SearchKind): boolean =>
  query.is === 'text' && (query.in === null || query.in === kind)

const hasForeign = (query: SearchQuery, kind: SearchKind): boolean => {
  if (query.is === 'all' || query.is === 'any') return query.of.some((one) => hasForeign(one, kind))
  return query.is === 'text' && !isOwnText(query, kind) // what is negated shows nothing, whichever row it is about
}

/** The query holds, and one of its texts stands in this row. */
const shown = (query: SearchQuery, kind: SearchKind): SearchQuery => {
  if (query.is === 'all') return allOf([...query.of, anyOf(query.of.map((one) => shown(one, kind)))])
  if (query.is === 'any') return anyOf(query.of.map((one) => shown(one, kind)))
  return isOwnText(query, kind) ? query : never
}

export const hitTree = (query: SearchQuery, kind: SearchKind): SearchQuery => {
  if (!hasForeign(query, kind)) return query
  if (query.is === 'any') return anyOf(query.of.map((one) => hitTree(one, kind)))
  if (query.is !== 'all') return never
  const oneShows = anyOf(query.of.map((one) => shown(one, kind)))
  const noneIsForeign = allOf(query.of.map((one) => hitTree(one, kind)))
  return allOf([...query.of, anyOf([oneShows, noneIsForeign])])
}

/** Texts that a hit of this kind may show: those that are wanted. */
export const shownTexts = (query: SearchQuery, kind: SearchKind): Extract<SearchQuery, { is: 'text' }>[] => {
  if (query.is === 'all' || query.is === 'any') return query.of.flatMap((one) => shownTexts(one, kind))
  return query.is === 'text' && isOwnText(query, kind) ? [query] : []
}

export const hasText = (query: SearchQuery): boolean => {
  if (query.is === 'all' || query.is === 'any') return query.of.some(hasText)
  return query.is === 'not' ? hasText(query.of) : query.is === 'text'
}
