import { SessionState } from '../schema/session.ts'
import type { CoveragePage, CoverageQuery, SessionCounts } from './catalog.ts'
import { dateOfDay, dayMs, dayOf, isAfter, noSessions } from './coverage-days.ts'
import { type Ask, totalOf } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'

const states = SessionState.options
const bastionsAtOnce = 100 // each asks for a bucket per day and state
const bucketsAtOnce = 1_000

type Bucket<Inner = object> = { key: number; doc_count: number } & Inner
type Days<Inner = object> = { days: { buckets: Bucket<Inner>[] } }
type Counted = Days<{ bastions: { buckets: { states: { buckets: { doc_count: number }[] } }[] } }>

const within = (fromDay: number, toDay: number): object => ({
  bool: {
    filter: [{ range: { startedAt: { gte: fromDay * dayMs, lt: (toDay + 1) * dayMs } } }],
    must_not: [{ exists: { field: 'parentId' } }],
  },
})
const byDay = (aggs?: object): object => ({
  days: {
    date_histogram: { field: 'startedAt', fixed_interval: '1d', min_doc_count: 1, order: { _key: 'desc' } },
    ...(aggs && { aggs }),
  },
})
const filters = (field: string, values: readonly string[]): object => ({
  filters: { filters: values.map((value) => ({ term: { [field]: value } })) },
})

/** Parts of days and names, in the order in which rows go, each small enough for one question. */
function* partsOf(days: readonly number[], bastions: readonly string[]) {
  const atOnce = Math.min(bastions.length, bastionsAtOnce)
  const daysAtOnce = bastions.length > bastionsAtOnce ? 1 : Math.max(1, Math.floor(bucketsAtOnce / atOnce))
  for (let first = 0; first < days.length; first += daysAtOnce)
    for (let at = 0; at < bastions.length; at += bastionsAtOnce)
      yield { days: days.slice(first, first + daysAtOnce), bastions: bastions.slice(at, at + bastionsAtOnce) }
}

const rowsOf = (found: Counted, bastions: readonly string[]): SessionCounts[] =>
  found.days.buckets.flatMap(({ key, bastions: { buckets } }) =>
    buckets.flatMap(({ states: counted }, at) => {
      const counts = noSessions()
      for (const [index, state] of states.entries()) counts[state] = counted.buckets[index]?.doc_count ?? 0
      const isNone = Object.values(counts).every((count) => count === 0)
      return isNone ? [] : [{ bastion: bastions[at]!, date: dateOfDay(key / dayMs), counts }]
    }),
  )

/** Counts what is there, a part of days and bastions at a time, until the page is full. `bastions`: all names, sorted. */
export const readCoverage = async (
  ask: Ask,
  { sessions }: CatalogIndices,
  bastions: readonly string[],
  { from, to, bastion, after, limit }: CoverageQuery,
): Promise<CoveragePage> => {
  const query = within(dayOf(from), dayOf(to))
  const names = bastion === undefined ? bastions : bastions.filter((name) => name === bastion)
  if (names.length === 0) return { items: [], total: totalOf(0) }
  const { aggregations } = await ask.search(sessions, { size: 0, query, aggs: byDay() })
  const days = (aggregations as Partial<Days>).days?.buckets.map(({ key }) => key / dayMs) ?? []
  const items: SessionCounts[] = []
  let seen = 0
  for (const part of partsOf(days, names)) {
    if (items.length >= limit) return { items, total: totalOf(seen, false) }
    const inner = { bastions: { ...filters('bastion', part.bastions), aggs: { states: filters('state', states) } } }
    const inPart = within(part.days.at(-1)!, part.days[0]!)
    const { aggregations: found } = await ask.search(sessions, { size: 0, query: inPart, aggs: byDay(inner) })
    const rows = rowsOf(found as Counted, part.bastions)
    seen += rows.length
    items.push(...rows.filter((row) => !after || isAfter(row, after)).slice(0, limit - items.length))
  }
  return { items, total: totalOf(seen) }
}
