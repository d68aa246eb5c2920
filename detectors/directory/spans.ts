import type { Span } from './moment.ts'

/** Rows by key and time. */
export type Spans<T> = { at(key: string, atMs: number): T[]; covers(key: string, atMs: number): boolean }
type Sorted<T> = { rows: (Span & { row: T })[]; latestEndMs: number[] }

const sorted = <T>(rows: (Span & { row: T })[]): Sorted<T> => {
  rows.sort((a, b) => a.startMs - b.startMs)
  let latest = Number.NEGATIVE_INFINITY
  return {
    rows,
    latestEndMs: rows.map(({ endMs }) => {
      latest = Math.max(latest, endMs)
      return latest
    }),
  }
}

/** How many begin by then. */
const begunBy = ({ rows }: Sorted<unknown>, atMs: number): number => {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.startMs <= atMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Start included, end not. */
export const createSpans = <T>(entries: Iterable<{ key: string; span: Span; row: T }>): Spans<T> => {
  const byKey = new Map<string, (Span & { row: T })[]>()
  for (const { key, span, row } of entries) {
    const rows = byKey.get(key) ?? []
    rows.push({ ...span, row })
    byKey.set(key, rows)
  }
  const all = new Map([...byKey].map(([key, rows]) => [key, sorted(rows)]))
  const at = (key: string, atMs: number): T[] => {
    const ofKey = all.get(key)
    if (!ofKey) return []
    const found: T[] = []
    for (let n = begunBy(ofKey, atMs) - 1; n >= 0 && ofKey.latestEndMs[n]! > atMs; n--) {
      const one = ofKey.rows[n]!
      if (one.endMs > atMs) found.push(one.row)
    }
    return found
  }
  return { at, covers: (key, atMs) => all.has(key) && at(key, atMs).length > 0 }
}
