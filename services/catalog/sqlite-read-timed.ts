import { allOf, type Condition, condition, type Param, type Select, type Total, totalOf } from './sqlite-select.ts'
import { textMatch } from './sqlite-text-match.ts'
import { firstKeyOf, lastKeyOf } from './sqlite-time-key.ts'

export type TimedQuery = {
  table: 'command' | 'event' | 'alert'
  columns: string // besides the key; the row is x
  join?: string
  words: readonly string[]
  conditions: readonly Condition[]
  from?: Date | undefined
  to?: Date | undefined
  below: bigint | null // keys of the pages before are not below this
  limit: number
}
export type TimedPage<Row> = { rows: (Row & { key: string })[]; more: boolean; total: Total }

/** `key`: the column that orders by time, newest first where it is asked for in descending order. */
type Source = { from: string; key: string; conditions: Condition[] }

const sourceOf = (select: Select, { table, words, join = '' }: TimedQuery): Source => {
  const match = textMatch(select, words)
  if (match === null) return { from: `${table} x ${join}`, key: 'x.time_key', conditions: [] }
  // CROSS JOIN keeps the order: the index of the text leads, newest row first.
  return {
    from: `${table}_text t CROSS JOIN ${table} x ON x.time_key = t.rowid ${join}`,
    key: 't.rowid',
    conditions: [condition(`${table}_text MATCH ?`, match.query), ...match.exactly('x.text')],
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

/** Rows in order of time, newest first. */
export const timedPage = <Row>(select: Select, query: TimedQuery): TimedPage<Row> => {
  const source = sourceOf(select, query)
  const { key } = source
  const conditions = [...inRange(key, query), ...query.conditions]
  const below = query.below === null ? [] : [condition(`${key} < ?`, query.below)]
  const page = selection(source, [...conditions, ...below])
  const rows = select.rows<Row & { key: string }>(
    `SELECT CAST(x.time_key AS TEXT) AS key, ${query.columns} FROM ${page.from} ORDER BY ${key} DESC LIMIT ?`,
    [...page.params, query.limit + 1],
  )
  const all = selection(source, conditions)
  return {
    rows: rows.slice(0, query.limit),
    more: rows.length > query.limit,
    total: totalOf(select.count(all.from, all.params)),
  }
}
