import { json, Router } from 'express'
import { z } from 'zod'
import type { Tokens } from '#services/access/tokens.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { adminAudit, adminsOnly } from '#services/http/admins-only.ts'
import type { Principal } from '#services/schema/access.ts'
import { type DeadLetterDesk, mostListed } from './dead-letters.ts'
import type { Operations } from './operations.ts'

export type RoutesOptions = {
  operations: Operations
  deadLetters: DeadLetterDesk
  tokens: Pick<Tokens, 'verify'>
  bus: Pick<Bus, 'produce'>
  bastion: string
  clock: Clock
}

const From = z.union([z.strictObject({ fromMs: z.number() }), z.strictObject({ fromSeq: z.number().int().positive() })])
const Page = z.object({
  limit: z.coerce.number().int().min(1).max(mostListed).default(100),
  after: z.string().max(32).optional(),
})
const Resend = z.strictObject({ id: z.string().max(32) })

const parsed = <T>(schema: z.ZodType<T>, input: unknown): T => {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new BartizanError('BTZ_REQUEST_INVALID', z.prettifyError(result.error))
}

/** What `bartizan sinks` and `bartizan dead-letters` call. */
export const deliveryRoutes = (options: RoutesOptions): Router => {
  const { operations, deadLetters, clock } = options
  const router = Router()
  const audit = adminAudit({ ...options, source: 'delivery' })
  const body = json({ limit: '4kb' })
  const admins = adminsOnly(options.tokens, 'delivery.manage')

  router.get('/api/sinks', admins, async (_request, response) => {
    const items = await operations.list()
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })
  router.post('/api/sinks/:name/replay', admins, body, async (request, response) => {
    const from = parsed(From, request.body)
    const name = String(request.params.name)
    await audit(response.locals.principal as Principal, 'sink.replay', name)
    await operations.replay(name, from)
    response.status(202).json({})
  })
  router.post('/api/sinks/:name/test', admins, async (request, response) => {
    const name = String(request.params.name)
    await audit(response.locals.principal as Principal, 'sink.test', name)
    response.json({ answer: await operations.test(name) })
  })
  router.get('/api/dead-letters', admins, async (request, response) => {
    const { limit, after } = parsed(Page, request.query)
    response.json(await deadLetters.list(limit, after ?? null))
  })
  router.post('/api/dead-letters/resend', admins, body, async (request, response) => {
    const { id } = parsed(Resend, request.body)
    await audit(response.locals.principal as Principal, 'dead-letter.resend', id)
    response.json(await deadLetters.resend(id, clock.now()))
  })
  return router
}
