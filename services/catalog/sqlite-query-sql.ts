import type { NameMatch, SearchKind, SearchQuery, TextTerm } from '../schema/search-query.ts'
import { isOwnText } from '../search/hit-tree.ts'
import type { Leaf } from '../search/matches.ts'
import { type RowSource, rowSources } from './sqlite-query-rows.ts'
import { allOf, type Condition, condition, type Select } from './sqlite-select.ts'
import { hasTerm, termMatch } from './sqlite-text-match.ts'
import { firstKeyOf } from './sqlite-time-key.ts'

/** A query as a condition: on a row (x) and its session (s), or on a session (s) alone. */

const always = condition('TRUE')
const never = condition('FALSE')

const joined = (parts: readonly Condition[], word: 'AND' | 'OR', none: Condition): Condition =>
  parts.length === 0
    ? none
    : condition(parts.map(({ sql }) => `(${sql})`).join(` ${word} `), ...parts.flatMap(({ params }) => params))
const both = (parts: readonly Condition[]): Condition => joined(parts, 'AND', always)
const either = (parts: readonly Condition[]): Condition => joined(parts, 'OR', never)

/** What is unknown (of a row without a session) is false, and its opposite true. */
const conditionOf = (query: SearchQuery, leaf: (leaf: Leaf) => Condition): Condition => {
  if (query.is === 'all') return both(query.of.map((one) => conditionOf(one, leaf)))
  if (query.is === 'any') return either(query.of.map((one) => conditionOf(one, leaf)))
  if (query.is !== 'not') return leaf(query)
  const { sql, params } = conditionOf(query.of, leaf)
  return condition(`NOT coalesce((${sql}), FALSE)`, ...params)
}

const lastChar = '\u{10ffff}'
const named = (column: string, { value, isPrefix }: NameMatch): Condition => {
  if (!isPrefix) return condition(`${column} = ?`, value)
  if (value === '') return condition(`${column} IS NOT NULL`)
  return condition(`${column} >= ? AND ${column} < ?`, value, value + lastChar)
}

/** Each address that is there is looked at once, by the index over them, however many rows have it. */
const fromNetwork = (column: string, table: 'session' | 'event', from: string, to: string): Condition =>
  condition(
    `${column} IN (
       WITH RECURSIVE known (ip) AS (
         SELECT min(source_ip) FROM ${table} WHERE source_ip IS NOT NULL
         UNION ALL
         SELECT (SELECT min(source_ip) FROM ${table} WHERE source_ip > known.ip) FROM known
           WHERE known.ip IS NOT NULL AND in_time()
       )
       SELECT ip FROM known WHERE ip IS NOT NULL AND in_network(ip, ?, ?))`,
    from,
    to,
  )

const fewRows = 10_000

/** Looked up as a whole where few rows have it; else in each session that is looked at, which will have it soon. */
const inRowsOf = (select: Select, kind: SearchKind, term: TextTerm): Condition => {
  const { table, inSessions, withinSession } = rowSources[kind]
  const { query, isExact } = termMatch(select, table, term)
  const exactly = isExact ? [] : [hasTerm('r.text', term)]
  const count = select.count(`${table}_text WHERE ${table}_text MATCH ? AND in_time()`, [query], fewRows + 1)
  if (count <= fewRows) {
    const where = allOf([condition(`${table}_text MATCH ?`, query), ...exactly])
    return condition(
      `s.number IN (SELECT ${inSessions.of} FROM ${inSessions.from} WHERE ${where.sql})`,
      ...where.params,
    )
  }
  const { sql, params } = hasTerm('r.text', term)
  return condition(`EXISTS (SELECT 1 FROM ${withinSession} AND in_time() AND (${sql}))`, ...params)
}

const inSessionText = (select: Select, term: TextTerm): Condition => {
  const { query, isExact } = termMatch(select, 'session', term)
  const where = allOf([condition('session_text MATCH ?', query), ...(isExact ? [] : [hasTerm('o.text', term)])])
  return condition(
    `s.number IN (SELECT t.rowid FROM session_text t CROSS JOIN session o ON o.number = t.rowid WHERE ${where.sql})`,
    ...where.params,
  )
}

/** The session has the text: a text of no kind in its own data, its commands or on its screen. */
const inSession = (select: Select, { in: kind, ...term }: Extract<Leaf, { is: 'text' }>): Condition =>
  kind === null
    ? either([inSessionText(select, term), inRowsOf(select, 'commands', term), inRowsOf(select, 'screen', term)])
    : inRowsOf(select, kind, term)

const hasSql = {
  alert: `EXISTS (SELECT 1 FROM alert_session l CROSS JOIN alert a ON a.id = l.alert_id
    WHERE l.session_id = s.id AND a.withdrawn = 0)`,
  transfer: "EXISTS (SELECT 1 FROM event e WHERE e.session_id = s.id AND e.kind = 'file_transfer')",
} as const

const ofSession = (select: Select, leaf: Leaf): Condition => {
  if (leaf.is === 'text') return inSession(select, leaf)
  if (leaf.is === 'state') return condition('s.state = ?', leaf.state)
  if (leaf.is === 'has') return condition(hasSql[leaf.what])
  if (leaf.is !== 'longer' && leaf.is !== 'shorter') return never
  const operator = `${leaf.is === 'longer' ? '>' : '<'}${leaf.orEqual ? '=' : ''}`
  return condition(`coalesce(s.ended_at_ms, ?) - s.started_at_ms ${operator} ?`, leaf.nowMs, leaf.thanMs)
}

type Owner = Pick<RowSource, 'sessionId' | 'user' | 'bastion' | 'target' | 'sourceIp' | 'addresses'>
const ofOwner = (leaf: Leaf, { sessionId, user, bastion, target, sourceIp, addresses }: Owner): Condition | null => {
  if (leaf.is === 'session') return named(sessionId, leaf)
  if (leaf.is === 'user') return named(user, leaf)
  if (leaf.is === 'bastion') return named(bastion, leaf)
  if (leaf.is === 'host') return either([named(target, leaf), named(bastion, leaf)])
  return leaf.is === 'ip' ? fromNetwork(sourceIp, addresses, leaf.from, leaf.to) : null
}

/** @param query of hitTree for this kind; `known`: leaves that hold already */
export const rowCondition = (
  select: Select,
  query: SearchQuery,
  kind: SearchKind,
  known: ReadonlySet<SearchQuery>,
): Condition =>
  conditionOf(query, (leaf) => {
    if (known.has(leaf)) return always
    if (leaf.is === 'after') return condition('x.time_key >= ?', firstKeyOf(leaf.atMs))
    if (leaf.is === 'before') return condition('x.time_key < ?', firstKeyOf(leaf.atMs))
    if (leaf.is === 'text' && isOwnText(leaf, kind)) return hasTerm('x.text', leaf)
    return ofOwner(leaf, rowSources[kind]) ?? ofSession(select, leaf)
  })

const sessionOwner: Owner = {
  sessionId: 's.id',
  user: 's.user',
  bastion: 's.bastion',
  target: 's.target',
  sourceIp: 's.source_ip',
  addresses: 'session',
}

/** Times: while it lasted. */
export const sessionCondition = (select: Select, query: SearchQuery): Condition =>
  conditionOf(query, (leaf) => {
    if (leaf.is === 'after') return condition('s.ended_at_ms IS NULL OR s.ended_at_ms >= ?', leaf.atMs)
    if (leaf.is === 'before') return condition('s.started_at_ms < ?', leaf.atMs)
    return ofOwner(leaf, sessionOwner) ?? ofSession(select, leaf)
  })
