import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { addressKey } from '../address-key.ts'
import { BartizanError } from '../errors.ts'
import { folded, placeOf } from './search-text.ts'
import { termPlace } from './text-term.ts'

export type Param = string | number | bigint | null
/** A part of a WHERE with its parameters. */
export type Condition = { sql: string; params: Param[] }

export const condition = (sql: string, ...params: Param[]): Condition => ({ sql, params })

/** `column = value`, or nothing to check where no value is asked for. */
export const equals = (column: string, value: string | undefined): Condition[] =>
  value === undefined ? [] : [condition(`${column} = ?`, value)]

/** `column` is one of these, or nothing to check where none are asked for. */
export const isOneOf = (column: string, values: readonly string[] | undefined): Condition[] =>
  values ? [condition(`${column} IN (${values.map(() => '?').join(', ') || 'NULL'})`, ...values)] : []

/** `in_time()`: a statement asks at every row whether it may go on. */
export const allOf = (conditions: readonly Condition[]): Condition => ({
  sql: ['in_time()', ...conditions.map(({ sql }) => `(${sql})`)].join(' AND '),
  params: conditions.flatMap(({ params }) => params),
})

/** Totals are exact up to here. */
export const exactTotal = 10_000
export type Total = { value: number; relation: 'eq' | 'gte' }
export const totalOf = (count: number): Total =>
  count > exactTotal ? { value: exactTotal, relation: 'gte' } : { value: count, relation: 'eq' }

export type Select = {
  rows<Row>(sql: string, params: readonly Param[]): Row[]
  first<Row>(sql: string, params: readonly Param[]): Row | null
  /** Rows that `from` (everything after SELECT … FROM) gives, counted up to `most`: one more than the exact total. */
  count(from: string, params: readonly Param[], most?: number): number
  /** From now on statements have this long. @throws BTZ_CATALOG_TIMEOUT in a statement that takes longer */
  allow(leftMs: number): void
}

const keptStatements = 200

export const createSelect = (database: DatabaseSync): Select => {
  const statements = new Map<string, StatementSync>()
  let endMs = Number.POSITIVE_INFINITY

  database.function('in_time', () => {
    if (performance.now() < endMs) return 1
    throw new BartizanError('BTZ_CATALOG_TIMEOUT', 'the query took longer than its limit', {
      hint: 'narrow it down by time, user or bastion',
    })
  })
  database.function('has_word', { deterministic: true }, (text, word) =>
    placeOf(String(word), folded(String(text))) >= 0 ? 1 : 0,
  )
  database.function('has_term', { deterministic: true }, (text, term, isPrefix) =>
    termPlace({ text: String(term), isPrefix: isPrefix === 1 }, folded(String(text))) === null ? 0 : 1,
  )
  database.function('in_network', { deterministic: true }, (address, from, to) => {
    const key = addressKey(String(address))
    return key !== null && key >= String(from) && key <= String(to) ? 1 : 0
  })

  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known) return known
    if (statements.size >= keptStatements) statements.clear()
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const first = <Row>(sql: string, params: readonly Param[]): Row | null =>
    (prepared(sql).get(...params) as Row | undefined) ?? null

  return {
    rows: <Row>(sql: string, params: readonly Param[]) => prepared(sql).all(...params) as Row[],
    first,
    count: (from, params, most = exactTotal + 1) =>
      first<{ n: number }>(`SELECT count(*) AS n FROM (SELECT 1 FROM ${from} LIMIT ?)`, [...params, most])!.n,
    allow: (leftMs) => {
      endMs = performance.now() + leftMs
    },
  }
}
