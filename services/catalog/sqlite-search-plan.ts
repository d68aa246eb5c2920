import type { SearchKind, SearchQuery } from '../schema/search-query.ts'
import { hitTree, isNever, isOwnText } from '../search/hit-tree.ts'
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

/** A query of FTS5 that gives every row for which the query holds, and more; null: there is none. */
const matchOf = (query: SearchQuery, kind: SearchKind): string | null => {
  if (query.is === 'text') return isOwnText(query, kind) ? termMatch(query).query : null
  if (query.is === 'not') return null
  const parts = query.is === 'all' || query.is === 'any' ? query.of.map((one) => matchOf(one, kind)) : []
  const found = parts.filter((part) => part !== null)
  if (query.is === 'all') return found.length === 0 ? null : found.map((part) => `(${part})`).join(' AND ')
  if (query.is !== 'any' || found.length < parts.length || found.length === 0) return null
  return found.map((part) => `(${part})`).join(' OR ')
}

/** What has to hold in any case. */
const parts = (query: SearchQuery): readonly SearchQuery[] => (query.is === 'all' ? query.of : [query])

const sessionFields = ['user', 'host', 'bastion', 'ip', 'state', 'longer', 'shorter', 'has']
const fewSessions = 300
const fewRows = 10_000

/** The sessions that it can be about, where these are few and the rows with its texts many. */
const sessionsOf = (select: Select, query: SearchQuery, kind: SearchKind, match: string | null): Condition | null => {
  const fields = parts(query).filter(({ is }) => sessionFields.includes(is))
  if (fields.length === 0 || kind === 'events') return null // events tell of themselves whose they are
  const { table } = rowSources[kind]
  if (match && select.count(`${table}_text WHERE ${table}_text MATCH ? AND in_time()`, [match]) <= fewRows) return null
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
  const wanted = matchOf(tree, kind)
  if (wanted !== null) checkIndexed(select)
  const within =
    sessionId === undefined
      ? sessionsOf(select, tree, kind, wanted)
      : condition('SELECT number FROM session WHERE id = ?', sessionId)
  const match = within === null ? wanted : null
  const known = new Set(
    match === null
      ? []
      : parts(tree).filter((one) => one.is === 'text' && isOwnText(one, kind) && termMatch(one).isExact),
  )
  const holds = rowCondition(select, tree, kind, known)
  const inside = sessionId === undefined ? within && source.ofSessions(within) : source.ofSession(sessionId)
  return { match, conditions: [...(inside ? [inside] : []), holds], joinNeeded: usesJoin(holds) }
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
