import { Router } from 'express'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '#services/catalog/cursor.ts'
import { readCoverage } from '#services/coverage/coverage.ts'
import { BartizanError } from '#services/errors.ts'
import { CoverageDate } from '#services/schema/coverage.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { page, parseInput, word } from './input.ts'

const dayMs = 86_400_000
const maxDays = 366
const defaultDays = 7

/** A day, or a time in it. */
const dayOrTime = z.union([CoverageDate, z.iso.datetime({ offset: true })]).optional()
export const CoverageParameters = z.strictObject({ ...page, from: dayOrTime, to: dayOrTime, bastion: word })
const Place = z.strictObject({ date: CoverageDate, bastion: z.string().max(256) })

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const isDate = (text: string): boolean => CoverageDate.safeParse(text).success

/** Whole UTC days, both included. A time at the very start of a day ends the day before. @throws BTZ_REQUEST_INVALID */
export const daysBetween = (
  { from, to }: { from?: string | undefined; to?: string | undefined },
  nowMs: number,
): { from: string; to: string } => {
  const last = to === undefined ? dateOf(nowMs) : isDate(to) ? to : dateOf(Date.parse(to) - 1)
  const first = from === undefined ? dateOf(Date.parse(last) - (defaultDays - 1) * dayMs) : dateOf(Date.parse(from))
  const days = (Date.parse(last) - Date.parse(first)) / dayMs + 1
  if (days >= 1 && days <= maxDays) return { from: first, to: last }
  const why = days < 1 ? 'the range of days is empty' : `${days} days are more than ${maxDays}`
  throw new BartizanError('BTZ_REQUEST_INVALID', why, { hint: 'give from and to as days or times, in order' })
}

/** By bastion and day: what was seen, what is whole, and which gaps there are. */
export const coverageRoutes = ({ catalog, silences, clock, audit }: ViewerContext): Router => {
  const router = Router()
  router.get('/api/coverage', allow('coverage.read'), async (request, response) => {
    const { limit, cursor, bastion, ...range } = parseInput(CoverageParameters, request.query)
    const query = { ...daysBetween(range, clock.now()), ...(bastion !== undefined && { bastion }) }
    const after = decodeCursor('coverage', { ...query, cursor }, Place)
    await audit({ principal: principalOf(response), action: 'coverage.read', sourceIp: request.ip, repeats: true })
    const { items, more, total } = await readCoverage(
      { catalog, silences, clock },
      { ...query, limit, ...(after && { after }) },
    )
    const last = items.at(-1)
    const next = more && last ? encodeCursor('coverage', query, { date: last.date, bastion: last.bastion }) : null
    response.json({ items, next, total })
  })
  return router
}
