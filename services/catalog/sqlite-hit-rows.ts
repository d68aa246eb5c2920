import { type SearchKind, searchKinds } from '../schema/search-query.ts'
import type { HitQuery, HitRow, HitRows, ValueField, ValuesQuery } from './catalog.ts'
import { rowSources } from './sqlite-query-rows.ts'
import { timedRows } from './sqlite-read-timed.ts'
import { timedQuery } from './sqlite-search-plan.ts'
import type { Select } from './sqlite-select.ts'
import { msOfKey } from './sqlite-time-key.ts'

type Row = Omit<HitRow, 'atMs'> & { key: string }

const rowsOf = (select: Select, query: Omit<HitQuery, 'cursor'>, kind: SearchKind): Row[] => {
  const { sessionId, user, bastion } = rowSources[kind]
  const columns = `${sessionId} AS sessionId, ${user} AS user, ${bastion} AS bastion`
  const timed = timedQuery(select, query, kind, columns)
  return timed === null ? [] : timedRows<Row>(select, { ...timed, below: null, limit: query.limit + 1 })
}

const newestFirst = (a: HitRow, b: HitRow): number => b.atMs - a.atMs

/** The newest hits, with nothing of what they show. */
export const readHitRows = (select: Select, query: Omit<HitQuery, 'cursor'>): HitRows => {
  const kinds = searchKinds.filter((kind) => query.in.includes(kind))
  const rows = kinds
    .flatMap((kind) => rowsOf(select, query, kind))
    .map(({ key, sessionId, user, bastion }) => ({ sessionId, user, bastion, atMs: msOfKey(BigInt(key)) }))
    .sort(newestFirst)
  return { rows: rows.slice(0, query.limit), isAll: rows.length <= query.limit }
}

const columns: Record<ValueField, string[]> = {
  user: ['user'],
  host: ['target', 'bastion'],
  bastion: ['bastion'],
  ip: ['source_ip'],
}

const lastChar = '\u{10ffff}'

/** Each value once, from one to the next by the index, however many sessions have it. */
const valuesIn = (select: Select, column: string, prefix: string, limit: number): string[] =>
  select
    .rows<{ value: string | null }>(
      `WITH RECURSIVE known (value) AS (
         SELECT min(${column}) FROM session WHERE ${column} >= ?1 AND ${column} < ?2
         UNION ALL
         SELECT (SELECT min(${column}) FROM session WHERE ${column} > known.value AND ${column} < ?2) FROM known
           WHERE known.value IS NOT NULL AND in_time()
         LIMIT ?3)
       SELECT value FROM known`,
      [prefix, prefix + lastChar, limit],
    )
    .flatMap(({ value }) => value ?? [])

export const readValues = (select: Select, { field, prefix, limit }: ValuesQuery): string[] => {
  const found = columns[field].flatMap((column) => valuesIn(select, column, prefix, limit))
  return [...new Set(found)].sort().slice(0, limit)
}
