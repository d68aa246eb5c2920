import { allOf, type Condition, condition, exactTotal, type Param, type Select } from './sqlite-select.ts'
import { firstKeyOf, lastKeyOf } from './sqlite-time-key.ts'

export type TimedQuery = {
  table: 'command' | 'event' | 'alert' | 'screen'
  columns: string // besides the key; the row is x
  /** `columns` need it; `joinNeeded`: the conditions, too. */
  join?: string
  joinNeeded?: boolean
  match: string | null // of FTS5; null: every row
  conditions: readonly Condition[]
  /** They leave the rows of few sessions, all of which are looked at for the newest. */
  isOfFewSessions?: boolean
  from?: Date | undefined
  to?: Date | undefined
  below: bigint | null // keys of the pages before are not below this
  limit: number
  /** Rows are counted up to this; 0: not at all. */
  countUpTo?: number
}
type Keyed<Row> = Row & { key: string }
export type TimedPage<Row> = { rows: Keyed<Row>[]; more: boolean; count: number }

/** `key`: the column that orders by time, newest first where it is asked for in descending order. */
type Source = { from: string; key: string; conditions: Condition[] }

const sourceOf = ({ table, match }: TimedQuery, join: string): Source => {
  if (match === null) return { from: `${table} x ${join}`, key: 'x.time_key', conditions: [] }
  // CROSS JOIN keeps the order: the index of the text leads, newest row first.
  return {
    from: `${table}_text t CROSS JOIN ${table} x ON x.time_key = t.rowid ${join}`,
    key: 't.rowid',
    conditions: [condition(`${table}_text MATCH ?`, match)],
  }
}

const inRange = (key: string, { from, to }: TimedQuery): Condition[] => [
  ...(from ? [condition(`${key} >= ?`, firstKeyOf(from.getTime()))] : []),
  ...(to ? [condition(`${key} <= ?`, lastKeyOf(to.getTime()))] : []),
]

const selection = (source: Source, conditions: readonly Condition[]): { from: string; params: Param[] } => {
  const where = allOf([...source.conditions, ...conditions])
  return { from: `${source.from} WHERE ${where.sql}`, params: where.params }
}

/** The latest rows, without counting them. */
export const timedRows = <Row>(select: Select, query: TimedQuery): Keyed<Row>[] => {
  const source = sourceOf(query, query.join ?? '')
  const { key } = source
  const below = query.below === null ? [] : [condition(`${key} < ?`, query.below)]
  const page = selection(source, [...inRange(key, query), ...query.conditions, ...below])
  return select.rows<Keyed<Row>>(
    `SELECT CAST(x.time_key AS TEXT) AS key, ${query.columns} FROM ${page.from} ORDER BY ${key} DESC LIMIT ?`,
    [...page.params, query.limit],
  )
}

/** Counted in the same pass that finds the newest. */
const pageOfFewSessions = <Row>(select: Select, query: TimedQuery, countUpTo: number): TimedPage<Row> => {
  const { table, join = '', joinNeeded, columns, below, limit } = query
  const all = selection(sourceOf(query, joinNeeded ? join : ''), [...inRange('x.time_key', query), ...query.conditions])
  const found = select.rows<{ time: string; found: number }>(
    `SELECT CAST(time AS TEXT) AS time, found FROM (SELECT x.time_key AS time, count(*) OVER () AS found FROM ${all.from}) AS o
     WHERE ${below === null ? 'TRUE' : 'o.time < ?'} ORDER BY o.time DESC LIMIT ?`,
    [...all.params, ...(below === null ? [] : [below]), limit + 1],
  )
  const keys = found.slice(0, limit).map(({ time }) => BigInt(time))
  const rows = select.rows<Keyed<Row>>(
    `SELECT CAST(x.time_key AS TEXT) AS key, ${columns} FROM ${table} x ${join}
     WHERE x.time_key IN (${keys.map(() => '?').join(', ') || 'NULL'}) ORDER BY x.time_key DESC`,
    keys,
  )
  const countAll = (): number => (below === null ? 0 : select.count(all.from, all.params, countUpTo))
  const count = found[0] ? Math.min(found[0].found, countUpTo) : countAll()
  return { rows, more: found.length > limit, count }
}

/** Rows in order of time, newest first. */
export const timedPage = <Row>(select: Select, query: TimedQuery): TimedPage<Row> => {
  const { countUpTo = exactTotal + 1 } = query
  if (query.isOfFewSessions) return pageOfFewSessions(select, query, countUpTo)
  const rows = timedRows<Row>(select, { ...query, limit: query.limit + 1 })
  const more = rows.length > query.limit
  const isAll = !more && query.below === null
  const source = sourceOf(query, query.joinNeeded ? (query.join ?? '') : '')
  const all = selection(source, [...inRange(source.key, query), ...query.conditions])
  return {
    rows: rows.slice(0, query.limit),
    more,
    count: isAll ? rows.length : countUpTo === 0 ? 0 : select.count(all.from, all.params, countUpTo),
  }
}
