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

/** What is not in the sample is in half a row of it. */
const atLeastHalf = (rows: number): number => Math.max(rows, 0.5)
const shareOf = (rows: number): number => atLeastHalf(rows) / sampleRows

/** `share`: of all rows, where the latest ones tell little of it. */
export type Candidate = { query: string; share?: number }

/**
 * The rarest, and of the others those that leave out so many rows more that it takes less time than to look at these:
 * trigrams of one word mostly stand in the same rows, and lists that are long take long.
 */
export const chosen = <C extends Candidate>(select: Select, table: string, candidates: readonly C[]): readonly C[] => {
  if (candidates.length < 2) return candidates
  const sample = sampleOf(select, table)
  const rowsOf = (query: string): number => countIn(select, table, sample, query)
  const [rarest, ...others] = candidates
    .map((candidate) => ({ candidate, share: candidate.share ?? shareOf(rowsOf(candidate.query)) }))
    .sort((a, b) => a.share - b.share)
  const used = [rarest!.candidate]
  let { share } = rarest!
  for (const other of others) {
    if (used.length === mostTerms) break
    const sampled = used.filter((one) => one.share === undefined)
    const rows = sampled.length === 0 ? 0 : rowsOf(allOfThem(sampled))
    const isTelling = rows >= leastTelling && other.candidate.share === undefined
    const left = isTelling
      ? atLeastHalf(rowsOf(allOfThem([...sampled, other.candidate]))) / rows
      : Math.max(guessedKept, other.share)
    const costs = Math.min(walkUs * other.share, findUs * share)
    if (costs > lookUs * share * (1 - left)) continue
    used.push(other.candidate)
    share *= left
  }
  return used
}

/** FTS5's query for all of these. */
export const allOfThem = (candidates: readonly Candidate[]): string =>
  candidates.map(({ query }) => query).join(' AND ')
