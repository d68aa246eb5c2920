import {
  allOf,
  type Condition,
  condition,
  hasWords,
  matchOf,
  type Param,
  type Select,
  shortWords,
  type Total,
  totalOf,
} from './sqlite-select.ts'
import { firstKeyOf, lastKeyOf } from './sqlite-time-key.ts'

/** Words too short for the index are looked for in this many of the newest rows that fit otherwise. */
const scannedRows = 50_000

export type TimedQuery = {
  table: 'command' | 'event'
  columns: string // besides the key; the row is x
  join?: string
  words: readonly string[]
  conditions: readonly Condition[]
  from?: Date | undefined
  to?: Date | undefined
  below: bigint | null // keys of the pages before are not below this
  limit: number
}
/** `scannedTo`: rows below this key were not looked at. */
export type TimedPage<Row> = { rows: (Row & { key: string })[]; more: boolean; scannedTo: bigint | null; total: Total }

type Source = { from: string; params: Param[] }

const inRange = ({ from, to }: TimedQuery): Condition[] => [
  ...(from ? [condition('x.time_key >= ?', firstKeyOf(from.getTime()))] : []),
  ...(to ? [condition('x.time_key <= ?', lastKeyOf(to.getTime()))] : []),
]

const matching = (query: TimedQuery, match: string | null, conditions: readonly Condition[]): Source => {
  const { table, words, join = '' } = query
  const words_ = hasWords('x.text', shortWords(words))
  if (match === null) {
    const where = allOf([...inRange(query), ...query.conditions, ...words_, ...conditions])
    return { from: `${table} x ${join} WHERE ${where.sql}`, params: where.params }
  }
  const found = condition(`${table}_text MATCH ?`, match)
  const where = allOf([found, ...inRange(query), ...query.conditions, ...words_, ...conditions])
  // CROSS JOIN keeps the order: the index of the text leads, newest row first.
  const from = `${table}_text t CROSS JOIN ${table} x ON x.time_key = t.rowid ${join} WHERE ${where.sql}`
  return { from, params: where.params }
}

/** Where only short words are asked for: the rows that are looked at, and the least key among them when cut off. */
const scanned = (select: Select, query: TimedQuery, below: readonly Condition[]) => {
  const where = allOf([...inRange(query), ...query.conditions, ...below])
  const inner = `SELECT x.time_key FROM ${query.table} x WHERE ${where.sql} ORDER BY x.time_key DESC LIMIT ${scannedRows}`
  const end = select.first<{ n: number; least: string }>(
    `SELECT count(*) AS n, CAST(min(time_key) AS TEXT) AS least FROM (${inner})`,
    where.params,
  )!
  return end.n < scannedRows ? null : BigInt(end.least)
}

const notBelow = (least: bigint | null): Condition[] => (least === null ? [] : [condition('x.time_key >= ?', least)])

/** Rows in order of time, newest first. */
export const timedPage = <Row>(select: Select, query: TimedQuery): TimedPage<Row> => {
  const match = matchOf(query.words)
  const scans = match === null && query.words.length > 0
  const order = match === null ? 'x.time_key' : 't.rowid'
  const below = query.below === null ? [] : [condition(`${order} < ?`, query.below)]
  const scannedTo = scans ? scanned(select, query, below) : null
  const page = matching(query, match, [...below, ...notBelow(scannedTo)])
  const rows = select.rows<Row & { key: string }>(
    `SELECT CAST(x.time_key AS TEXT) AS key, ${query.columns} FROM ${page.from} ORDER BY ${order} DESC LIMIT ?`,
    [...page.params, query.limit + 1],
  )
  const countedTo = scans ? scanned(select, query, []) : null
  const counted = matching(query, match, notBelow(countedTo))
  return {
    rows: rows.slice(0, query.limit),
    more: rows.length > query.limit,
    scannedTo,
    total: totalOf(select.count(counted.from, counted.params), countedTo === null),
  }
}
