import type { SearchQuery } from '../schema/search-query.ts'

/** Between which moments every hit lies, by its after: and before: and what else was asked. Milliseconds, both included. */
export type TimeRange = { fromMs: number | null; toMs: number | null }

const later = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b))
const earlier = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)

export const timeRange = (query: SearchQuery, from: Date | undefined, to: Date | undefined): TimeRange => {
  const parts = query.is === 'all' ? query.of : [query]
  return parts.reduce<TimeRange>(
    ({ fromMs, toMs }, part) => ({
      fromMs: part.is === 'after' ? later(fromMs, part.atMs) : fromMs,
      toMs: part.is === 'before' ? earlier(toMs, part.atMs - 1) : toMs,
    }),
    { fromMs: from?.getTime() ?? null, toMs: to?.getTime() ?? null },
  )
}
