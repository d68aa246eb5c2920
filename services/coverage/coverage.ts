import type { Silences } from '../agents/silences.ts'
import type { Catalog, CoverageQuery, SessionCounts } from '../catalog/catalog.ts'
import { isAfter, noSessions } from '../catalog/coverage-days.ts'
import type { Clock } from '../clock.ts'
import type { CoverageDay } from '../schema/coverage.ts'

const maxChecked = 200

export type CoverageContext = {
  catalog: Pick<Catalog, 'coverage'>
  silences: Pick<Silences, 'days'>
  clock: Clock
}
/** `more`: there are further ones after the last. */
export type CoverageDays = {
  items: CoverageDay[]
  more: boolean
  total: { value: number; relation: 'eq' | 'gte' }
}

export const dayOfCounts = ({ bastion, date, counts }: SessionCounts, agentSilentMs: number): CoverageDay => {
  const { open, complete, ...gaps } = counts
  const seen = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { bastion, date, seen, complete, open, gaps, agentSilentMs }
}

const nameOf = ({ date, bastion }: { date: string; bastion: string }): string => `${date} ${bastion}`
const inOrder = (a: SessionCounts, b: SessionCounts): number => (isAfter(a, b) ? 1 : -1)

/** What is known of bastions and days: their sessions, and how long their agents were not heard. */
export const readCoverage = async (ctx: CoverageContext, query: CoverageQuery): Promise<CoverageDays> => {
  const { from, to, bastion, after, limit } = query
  const silent = await ctx.silences.days(from, to, ctx.clock.now(), bastion)
  const silentMs = new Map(silent.map((day) => [nameOf(day), day.ms]))
  const page = await ctx.catalog.coverage({ ...query, limit: limit + 1 })
  const last = page.items.length > limit ? page.items.at(-1)! : null
  const known = new Set(page.items.map(nameOf))
  // Days of which nothing but silence is known stand between the others.
  const quiet = silent
    .filter((day) => !known.has(nameOf(day)))
    .filter((day) => (!after || isAfter(day, after)) && (!last || !isAfter(day, last)))
    .map(({ bastion, date }) => ({ bastion, date, counts: noSessions() }))
  const all = [...page.items, ...quiet].sort(inOrder)
  return {
    items: all.slice(0, limit).map((counts) => dayOfCounts(counts, silentMs.get(nameOf(counts)) ?? 0)),
    more: all.length > limit,
    total: await totalOf(ctx, page.total, silent),
  }
}

const totalOf = async (
  { catalog }: CoverageContext,
  total: CoverageDays['total'],
  silent: readonly { bastion: string; date: string }[],
): Promise<CoverageDays['total']> => {
  let quiet = 0
  for (const { bastion, date } of silent.slice(0, maxChecked)) {
    const { items } = await catalog.coverage({ from: date, to: date, bastion, limit: 1 })
    if (items.length === 0) quiet++
  }
  return { value: total.value + quiet, relation: silent.length > maxChecked ? 'gte' : total.relation }
}
