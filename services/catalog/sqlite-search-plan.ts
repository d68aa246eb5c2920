import type { SearchKind, SearchQuery } from '../schema/search-query.ts'
import { hasText, hitTree, isNever, isOwnText } from '../search/hit-tree.ts'
import type { HitQuery } from './catalog.ts'
import { timeRange } from './search-time.ts'
import { rowSources } from './sqlite-query-rows.ts'
import { rowCondition, sessionCondition } from './sqlite-query-sql.ts'
import type { TimedQuery } from './sqlite-read-timed.ts'
import { allOf, type Condition, condition, type Select } from './sqlite-select.ts'
import { checkIndexed, termMatch } from './sqlite-text-match.ts'

type Plan = Omit<HitQuery, 'limit' | 'cursor'>

/** How the rows of one kind are come by: by the index of texts, by the sessions they are in, or one after the other. */
type RowPlan = { match: string | null; conditions: Condition[]; joinNeeded: boolean }

/** A query of FTS5 that gives every row for which ours holds, and more. `sure`: leaves that hold in all it gives. */
type Match = { query: string; isRare: boolean; sure: SearchQuery[] }

const joined = (found: readonly Match[], word: 'AND' | 'OR'): string =>
  found.map(({ query }) => `(${query})`).join(` ${word} `)

/** Null: there is none. */
const matchOf = (select: Select, query: SearchQuery, kind: SearchKind): Match | null => {
  if (query.is === 'text') {
    if (!isOwnText(query, kind)) return null
    const { isExact, ...match } = termMatch(select, rowSources[kind].table, query)
    return { ...match, sure: isExact ? [query] : [] }
  }
  if (query.is !== 'all' && query.is !== 'any') return null
  const all = query.of.map((one) => matchOf(select, one, kind))
  const found = all.filter((one) => one !== null)
  if (found.length === 0) return null
  if (query.is === 'any')
    return found.length < all.length
      ? null
      : { query: joined(found, 'OR'), isRare: found.every(({ isRare }) => isRare), sure: [] }
  const rare = found.filter(({ isRare }) => isRare)
  const used = rare.length > 0 ? rare : found
  return { query: joined(used, 'AND'), isRare: rare.length > 0, sure: used.flatMap(({ sure }) => sure) }
}

/** What has to hold in any case. */
const parts = (query: SearchQuery): readonly SearchQuery[] => (query.is === 'all' ? query.of : [query])

const sessionFields = ['user', 'host', 'bastion', 'ip', 'state', 'longer', 'shorter', 'has']
const fewSessions = 300
const fewRows = 5_000

/** The sessions that it can be about, where these are few and the rows with its texts many. */
const sessionsOf = (select: Select, query: SearchQuery, kind: SearchKind, match: Match | null): Condition | null => {
  const fields = parts(query).filter(({ is }) => sessionFields.includes(is))
  if (fields.length === 0 || kind === 'events' || match?.isRare) return null // events tell of themselves whose they are
  const { table } = rowSources[kind]
  const from = `${table}_text WHERE ${table}_text MATCH ? AND in_time()`
  if (match && select.count(from, [match.query], fewRows) < fewRows) return null
  const where = allOf([sessionCondition(select, { is: 'all', of: [...fields] })])
  const numbers = select.rows<{ number: number }>(`SELECT s.number FROM session s WHERE ${where.sql} LIMIT ?`, [
    ...where.params,
    fewSessions + 1,
  ])
  if (numbers.length > fewSessions) return null
  return condition(numbers.map(() => '?').join(', ') || 'NULL', ...numbers.map(({ number }) => number))
}

const usesJoin = ({ sql }: Condition): boolean => /\b[sv]\./.test(sql)

/** Null: no row of this kind can be a hit. @throws BTZ_UNAVAILABLE while the index is made anew */
const planRows = (select: Select, { query, sessionId }: Plan, kind: SearchKind): RowPlan | null => {
  const tree = hitTree(query, kind)
  if (isNever(tree)) return null
  const source = rowSources[kind]
  if (hasText(tree)) checkIndexed(select)
  const wanted = matchOf(select, tree, kind)
  const within =
    sessionId === undefined
      ? sessionsOf(select, tree, kind, wanted)
      : condition('SELECT number FROM session WHERE id = ?', sessionId)
  const match = within === null ? wanted : null
  const holds = rowCondition(select, tree, kind, new Set(match?.sure))
  const inside = sessionId === undefined ? within && source.ofSessions(within) : source.ofSession(sessionId)
  return { match: match?.query ?? null, conditions: [...(inside ? [inside] : []), holds], joinNeeded: usesJoin(holds) }
}

/** What a search asks of the rows of one kind; null: none of them can be a hit. */
export const timedQuery = (
  select: Select,
  query: Plan,
  kind: SearchKind,
  columns: string,
): Omit<TimedQuery, 'below' | 'limit'> | null => {
  const plan = planRows(select, query, kind)
  if (plan === null) return null
  const { fromMs, toMs } = timeRange(query.query, query.from, query.to)
  const { table, join } = rowSources[kind]
  return {
    ...{ table, join, columns, ...plan },
    from: fromMs === null ? undefined : new Date(fromMs),
    to: toMs === null ? undefined : new Date(toMs),
  }
}
