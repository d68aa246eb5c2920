import type { DatabaseSync } from 'node:sqlite'

/** See migrations.ts: milliseconds · 2^14 + a counter, a 64-bit number. */
const counterBits = 14n
const perMs = 1n << counterBits
const latestMs = Date.UTC(9999, 11, 31)
const earliestMs = -Date.UTC(9999, 11, 31)

const clamped = (ms: number): bigint => BigInt(Math.trunc(Math.min(latestMs, Math.max(earliestMs, ms))))

/** The least key of this millisecond. */
export const firstKeyOf = (ms: number): bigint => clamped(ms) << counterBits

/** The greatest key of this millisecond. */
export const lastKeyOf = (ms: number): bigint => firstKeyOf(ms) + perMs - 1n

/** The millisecond of a key. */
export const msOfKey = (key: bigint): number => Number(key >> counterBits)

/** Gives free keys of a table; a millisecond with more rows than it has keys goes on in the next one's. */
export const createTimeKeys = (database: DatabaseSync, table: 'command' | 'event' | 'alert' | 'screen') => {
  const last = database.prepare(`SELECT max(time_key) AS last FROM ${table} WHERE time_key BETWEEN ? AND ?`)
  last.setReadBigInts(true)
  return {
    next: (ms: number): bigint => {
      for (let first = firstKeyOf(ms); ; first += perMs) {
        const row = last.get(first, first + perMs - 1n) as { last: bigint | null }
        if (row.last === null) return first
        if (row.last < first + perMs - 1n) return row.last + 1n
      }
    },
  }
}
