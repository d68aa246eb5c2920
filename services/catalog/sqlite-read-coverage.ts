import type { SessionState } from '../schema/session.ts'
import type { CoveragePage, CoverageQuery } from './catalog.ts'
import { dateOfDay, dayOf, noSessions } from './coverage-days.ts'
import { allOf, condition, equals, type Select, totalOf } from './sqlite-select.ts'

type Row = { day: number; bastion: string; counts: string }

/** Rows that count nothing any more are left over from sessions that changed. */
const notEmpty = 'GROUP BY day, bastion HAVING sum(count) > 0'

export const readCoverage = (select: Select, { from, to, bastion, after, limit }: CoverageQuery): CoveragePage => {
  const asked = allOf([condition('day BETWEEN ? AND ?', dayOf(from), dayOf(to)), ...equals('bastion', bastion)])
  const place = after ? [condition('(-day, bastion) > (?, ?)', -dayOf(after.date), after.bastion)] : []
  const page = allOf([condition(asked.sql, ...asked.params), ...place])
  const rows = select.rows<Row>(
    `SELECT day, bastion, json_group_object(state, count) AS counts FROM coverage WHERE ${page.sql}
       ${notEmpty} ORDER BY day DESC, bastion LIMIT ?`,
    [...page.params, limit],
  )
  return {
    items: rows.map(({ day, bastion, counts }) => ({
      bastion,
      date: dateOfDay(day),
      counts: { ...noSessions(), ...(JSON.parse(counts) as Partial<Record<SessionState, number>>) },
    })),
    total: totalOf(select.count(`coverage WHERE ${asked.sql} ${notEmpty}`, asked.params)),
  }
}
