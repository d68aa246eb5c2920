import type { Catalog } from '../catalog/catalog.ts'
import { noSessions } from '../catalog/coverage-days.ts'
import { gapStates } from '../schema/ledger-deadlines.ts'
import { maxListed, type Statement } from '../schema/statement.ts'
import { type CoverageContext, dayOfCounts, readCoverage } from './coverage.ts'

const pageLimit = 200
const maxPages = 50
const dayMs = 86_400_000

export type DayContext = CoverageContext & { catalog: Pick<Catalog, 'coverage' | 'sessions' | 'bastions' | 'events'> }
/** What a statement says of a day, without when it was said and the how-manieth it is. */
export type DayOfBastion = Omit<Statement, 'format' | 'at' | 'number' | 'replaces'>

const sessionsWithGaps = async (
  { catalog }: DayContext,
  bastion: string,
  date: string,
): Promise<Statement['listed']> => {
  const [from, to] = [new Date(date), new Date(Date.parse(date) + dayMs - 1)]
  const found: Statement['listed'] = []
  for (const state of gapStates) {
    let cursor: string | undefined
    for (let pages = 0; pages < maxPages && found.length < maxListed; pages++) {
      const query = { bastion, state, from, to, limit: pageLimit, ...(cursor !== undefined && { cursor }) }
      const page = await catalog.sessions(query)
      for (const { id, parentId, startedAt } of page.items)
        if (parentId === null && startedAt.startsWith(date)) found.push({ sessionId: id, state })
      if (page.next === null) break
      cursor = page.next
    }
  }
  return found.slice(0, maxListed).sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
}

/** As the catalog and the agents' silences have it now. */
export const readDay = async (ctx: DayContext, bastion: string, date: string): Promise<DayOfBastion> => {
  const { items } = await readCoverage(ctx, { from: date, to: date, bastion, limit: 1 })
  const day = items[0] ?? dayOfCounts({ bastion, date, counts: noSessions() }, 0)
  const gapCount = Object.values(day.gaps).reduce((sum, count) => sum + count, 0)
  const listed = gapCount === 0 ? [] : await sessionsWithGaps(ctx, bastion, date)
  return {
    ...day,
    bastion: day.bastion as Statement['bastion'],
    listed,
    unlisted: Math.max(0, gapCount - listed.length),
  }
}

/** Bastions of which anything is known on that day: a session, an event, a silent agent. */
export const bastionsOn = async (ctx: DayContext, date: string): Promise<string[]> => {
  const names = new Set<string>()
  for (let after: { date: string; bastion: string } | undefined; ; ) {
    const { items, more } = await readCoverage(ctx, { from: date, to: date, limit: 500, ...(after && { after }) })
    for (const { bastion } of items) names.add(bastion)
    const last = items.at(-1)
    if (!more || !last) break
    after = { date, bastion: last.bastion }
  }
  const [from, to] = [new Date(date), new Date(Date.parse(date) + dayMs - 1)]
  for (const bastion of await ctx.catalog.bastions()) {
    if (names.has(bastion)) continue
    const { items } = await ctx.catalog.events({ bastion, from, to, limit: 1 })
    if (items.length > 0) names.add(bastion)
  }
  return [...names].sort()
}
