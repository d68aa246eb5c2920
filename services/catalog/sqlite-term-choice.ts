import type { Param, Select } from './sqlite-select.ts'

/** Which of the terms that a row has to hold FTS5 is asked for: the others are looked for in the rows it gives. */

const sampleRows = 8_000
const sampleLastsMs = 30_000
const keptCounts = 4_000

/** How many of the latest rows an FTS5 query takes. */
type Sample = { from: Param; untilMs: number; counts: Map<string, number> }

const samples = new WeakMap<Select, Map<string, Sample>>()

const keyOf = (table: string): string => (table === 'session' ? 'number' : 'time_key')

/** `from` null: there are so few rows that any way is fast. */
const newSample = (select: Select, table: string): Sample => {
  const key = keyOf(table)
  const oldest = select.first<{ key: string }>(
    `SELECT CAST(${key} AS TEXT) AS key FROM ${table} ORDER BY ${key} DESC LIMIT 1 OFFSET ${sampleRows - 1}`,
    [],
  )
  return {
    from: oldest && BigInt(oldest.key),
    untilMs: performance.now() + sampleLastsMs,
    counts: new Map(),
  }
}

const sampleOf = (select: Select, table: string): Sample => {
  const ofSelect = samples.get(select) ?? new Map<string, Sample>()
  samples.set(select, ofSelect)
  const known = ofSelect.get(table)
  if (known && known.untilMs > performance.now() && known.counts.size < keptCounts) return known
  const sample = newSample(select, table)
  ofSelect.set(table, sample)
  return sample
}

const countIn = (select: Select, table: string, { from, counts }: Sample, query: string): number => {
  if (from === null) return 0
  const known = counts.get(query)
  if (known !== undefined) return known
  const where = `${table}_text WHERE ${table}_text MATCH ? AND rowid >= ?`
  const count = select.count(where, [query, from], sampleRows)
  counts.set(query, count)
  return count
}

/**
 * Measured on lists of ten million commands, in µs: to walk past a row of a list, to find a place in a long one, and to
 * look at a row's text.
 */
const [walkUs, findUs, lookUs] = [0.01, 3, 3.5]
const leastTelling = 10 // rows of a sample
const guessedKept = 0.3
const mostTerms = 6

/** @param share of all rows; what is not in the sample is in half a row of it */
const shareOf = (count: number): number => Math.max(count, 0.5) / sampleRows

const both = (queries: readonly string[]): string => queries.join(' AND ')

/**
 * The rarest, and of the others those that leave out so many rows more that it takes less time than to look at these:
 * trigrams of one word mostly stand in the same rows, and lists that are long take long.
 */
export const chosen = <C extends { query: string }>(
  select: Select,
  table: string,
  candidates: readonly C[],
): readonly C[] => {
  if (candidates.length < 2) return candidates
  const sample = sampleOf(select, table)
  const count = (query: string): number => countIn(select, table, sample, query)
  const [rarest, ...others] = candidates
    .map((candidate) => ({ candidate, rows: count(candidate.query) }))
    .sort((a, b) => a.rows - b.rows)
  const used = [rarest!.candidate]
  let [rows, share] = [rarest!.rows, shareOf(rarest!.rows)]
  for (const { candidate, rows: itsRows } of others) {
    if (used.length === mostTerms) break
    const isTelling = rows >= leastTelling
    const left = isTelling ? count(both([...used, candidate].map(({ query }) => query))) : rows
    const kept = isTelling ? left / rows : Math.max(guessedKept, shareOf(itsRows))
    const costs = Math.min(walkUs * shareOf(itsRows), findUs * share)
    if (costs > lookUs * share * (1 - kept)) continue
    used.push(candidate)
    rows = left
    share *= kept
  }
  return used
}

/** FTS5's query for all of these. */
export const allOfThem = (candidates: readonly { query: string }[]): string =>
  both(candidates.map(({ query }) => query))
