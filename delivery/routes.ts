import { json, type Request, type RequestHandler, Router } from 'express'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { may } from '#services/access/permissions.ts'
import type { Tokens } from '#services/access/tokens.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
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

const bearerOf = ({ headers: { authorization = '' } }: Request): string =>
  /^Bearer /i.test(authorization) && authorization.length <= 512 ? authorization.slice(7).trim() : ''

/** Tokens only, so that no page can have a browser do it. */
const adminsOnly =
  ({ tokens }: RoutesOptions): RequestHandler =>
  async (request, response, next) => {
    const principal = await tokens.verify(bearerOf(request))
    if (principal === null) throw new BartizanError('BTZ_AUTH_REQUIRED', 'a token is needed')
    if (!may(principal.role, 'delivery.manage'))
      throw new BartizanError('BTZ_FORBIDDEN', `the role ${principal.role} does not allow delivery.manage`)
    response.locals.principal = principal
    next()
  }

/** Who changed what, before it is done. */
const auditOf =
  ({ bus, bastion, clock }: RoutesOptions) =>
  async ({ name, role, id }: Principal, action: string, object: string): Promise<void> => {
    const at = new Date(clock.now()).toISOString()
    const who = { user: name, actor: `${name} (${role}, ${id})` }
    const event = {
      id: uuidv7(),
      at,
      receivedAt: at,
      kind: 'access',
      source: 'delivery',
      bastion,
      ...who,
      action,
      object,
    }
    await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
  }

/** What `bartizan sinks` and `bartizan dead-letters` call. */
export const deliveryRoutes = (options: RoutesOptions): Router => {
  const { operations, deadLetters, clock } = options
  const router = Router()
  const audit = auditOf(options)
  const body = json({ limit: '4kb' })
  const admins = adminsOnly(options)

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
