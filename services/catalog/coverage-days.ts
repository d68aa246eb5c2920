import { SessionState } from '../schema/session.ts'
import type { CoverageQuery, SessionCounts } from './catalog.ts'

/** Days since 1970 and dates, as the counts of sessions have them. */

export const dayMs = 86_400_000
export const dayOf = (date: string): number => Math.floor(Date.parse(date) / dayMs)
export const dateOfDay = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10)

/** None of any. */
export const noSessions = (): SessionCounts['counts'] =>
  Object.fromEntries(SessionState.options.map((state) => [state, 0])) as SessionCounts['counts']

/** By day, newest first, then by name, by code units as SQLite and Elasticsearch sort the names of hosts. */
export const isAfter = (
  one: Pick<SessionCounts, 'date' | 'bastion'>,
  after: NonNullable<CoverageQuery['after']>,
): boolean => one.date < after.date || (one.date === after.date && one.bastion > after.bastion)
