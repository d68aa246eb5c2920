import type { Request } from 'express'
import { z } from 'zod'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { parseInput } from '../routes/input.ts'

const header = 'x-bartizan-reason'
const Reason = z.string().trim().min(1).max(1_024)

/** Node reads a header as Latin-1; who writes one that is more writes UTF-8. */
const headerOf = (request: Request): string | undefined => {
  const value = request.get(header)
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8')
}

/** Why somebody asks to see content: header X-Bartizan-Reason, or `reason` in the query. @throws BTZ_REASON_REQUIRED */
export const contentReason = (request: Request, policy: Config['access']['reason']): string | undefined => {
  const given = headerOf(request) ?? request.query.reason
  if (given !== undefined) return parseInput(Reason, given)
  if (policy !== 'required') return undefined
  throw new BartizanError('BTZ_REASON_REQUIRED', 'to see what was recorded, say why', {
    hint: 'send the header X-Bartizan-Reason, or ?reason=, with 1 to 1,024 characters',
  })
}
