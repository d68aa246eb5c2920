import type { SearchKind, SearchQuery } from '../schema/search-query.ts'
import { hasText, hitTree, isNever, isOwnText } from '../search/hit-tree.ts'
import type { HitQuery } from './catalog.ts'
import { timeRange } from './search-time.ts'
import { rowSources } from './sqlite-query-rows.ts'
import { rowCondition, sessionCondition } from './sqlite-query-sql.ts'
import type { TimedQuery } from './sqlite-read-timed.ts'
import { allOf, type Condition, condition, type Select } from './sqlite-select.ts'
import { allOfThem, type Candidate, chosen } from './sqlite-term-choice.ts'
import { checkIndexed, termQueries, userCandidate } from './sqlite-text-match.ts'

type Plan = Omit<HitQuery, 'limit' | 'cursor'>

/** How the rows of one kind are come by: by the index of texts, by the sessions they are in, or one after the other. */
type RowPlan = Pick<TimedQuery, 'match' | 'conditions' | 'joinNeeded' | 'isOfFewSessions'>

/** A query of FTS5 that gives every row for which a leaf of ours holds (null: several); `isExact`: and no other. */
type LeafCandidate = Candidate & { of: SearchQuery | null; isExact: boolean }
type Match = { query: string; used: readonly LeafCandidate[] }

/** A row has to be in what each of them gives; none: it may be any. */
const candidatesOf = (select: Select, query: SearchQuery, kind: SearchKind): LeafCandidate[] => {
  if (query.is === 'text') {
    if (!isOwnText(query, kind)) return []
    const { queries, isExact } = termQueries(query)
    return queries.map((one) => ({ query: one, of: query, isExact }))
  }
  if (query.is === 'user' && !query.isPrefix)
    return [{ ...userCandidate(select, query.value), of: query, isExact: false }]
  if (query.is !== 'all' && query.is !== 'any') return []
  if (query.is === 'all') return query.of.flatMap((one) => candidatesOf(select, one, kind))
  const matches = query.of.map((one) => matchOf(select, one, kind))
  if (matches.length === 0 || matches.includes(null)) return []
  return [{ query: `(${matches.map((match) => `(${match!.query})`).join(' OR ')})`, of: null, isExact: false }]
}

/** Null: there is none. */
const matchOf = (select: Select, query: SearchQuery, kind: SearchKind): Match | null => {
  const used = chosen(select, rowSources[kind].table, candidatesOf(select, query, kind))
  if (used.length === 0) return null
  return { query: allOfThem(used), used }
}

/** Leaves that hold in all it gives. */
const sureOf = (match: Match | null): SearchQuery[] =>
  (match?.used ?? []).flatMap(({ of, isExact }) => (of !== null && isExact ? [of] : []))

/** What has to hold in any case. */
const parts = (query: SearchQuery): readonly SearchQuery[] => (query.is === 'all' ? query.of : [query])

const sessionFields = ['session', 'user', 'host', 'bastion', 'ip', 'state', 'longer', 'shorter', 'has']
const fewSessions = 300
const fewRows = 5_000

/** `sure`: leaves that hold of their rows; a screen tells of itself whose it is. */
type FewSessions = { numbers: Condition; sure: SearchQuery[] }

/** The sessions that it can be about, where these are few and the rows with its texts many. */
const sessionsOf = (select: Select, query: SearchQuery, kind: SearchKind, match: Match | null): FewSessions | null => {
  const fields = parts(query).filter(({ is }) => sessionFields.includes(is))
  const isKnown = (field: SearchQuery) => match?.used.some(({ of }) => of === field) ?? false
  if (fields.every(isKnown) || kind === 'events') return null // events tell of themselves whose they are
  const { table } = rowSources[kind]
  const from = `${table}_text WHERE ${table}_text MATCH ? AND in_time()`
  if (match && select.count(from, [match.query], fewRows) < fewRows) return null
  const where = allOf([sessionCondition(select, { is: 'all', of: [...fields] })])
  const numbers = select.rows<{ number: number }>(`SELECT s.number FROM session s WHERE ${where.sql} LIMIT ?`, [
    ...where.params,
    fewSessions + 1,
  ])
  if (numbers.length > fewSessions) return null
  return {
    numbers: condition(numbers.map(() => '?').join(', ') || 'NULL', ...numbers.map(({ number }) => number)),
    sure: kind === 'commands' ? fields : [],
  }
}

/** An event tells of itself in which session it was; there is an index over that. */
const eventsOfSession = (select: Select, query: SearchQuery): Condition | null => {
  const session = parts(query).find(({ is }) => is === 'session')
  return session ? rowCondition(select, session, 'events', new Set()) : null
}

const usesJoin = ({ sql }: Condition): boolean => /\b[sv]\./.test(sql)

/** Null: no row of this kind can be a hit. @throws BTZ_UNAVAILABLE while the index is made anew */
const planRows = (select: Select, { query, sessionId }: Plan, kind: SearchKind): RowPlan | null => {
  const tree = hitTree(query, kind)
  if (isNever(tree)) return null
  const source = rowSources[kind]
  if (hasText(tree)) checkIndexed(select)
  const wanted = hasText(tree) ? matchOf(select, tree, kind) : null
  const few = sessionId === undefined ? sessionsOf(select, tree, kind, wanted) : null
  const asked = kind === 'events' ? eventsOfSession(select, tree) : few && source.ofSessions(few.numbers)
  const inside = sessionId === undefined ? asked : source.ofSession(sessionId)
  const match = inside === null ? wanted : null
  const holds = rowCondition(select, tree, kind, new Set([...sureOf(match), ...(few?.sure ?? [])]))
  return {
    match: match?.query ?? null,
    conditions: [...(inside ? [inside] : []), holds],
    joinNeeded: usesJoin(holds),
    isOfFewSessions: inside !== null,
  }
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
