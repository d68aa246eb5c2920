import type { Request, RequestHandler } from 'express'
import { v7 as uuidv7 } from 'uuid'
import { may } from '../access/permissions.ts'
import type { Tokens } from '../access/tokens.ts'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { Action, Principal } from '../schema/access.ts'

const bearerOf = ({ headers: { authorization = '' } }: Request): string =>
  /^Bearer /i.test(authorization) && authorization.length <= 512 ? authorization.slice(7).trim() : ''

/** Tokens only, so that no page can have a browser do it. Who it is stands in `response.locals.principal`. */
export const adminsOnly =
  (tokens: Pick<Tokens, 'verify'>, action: Action): RequestHandler =>
  async (request, response, next) => {
    const principal = await tokens.verify(bearerOf(request))
    if (principal === null) throw new BartizanError('BTZ_AUTH_REQUIRED', 'a token is needed')
    if (!may(principal.role, action))
      throw new BartizanError('BTZ_FORBIDDEN', `the role ${principal.role} does not allow ${action}`)
    response.locals.principal = principal
    next()
  }

export type AdminAudit = (principal: Principal, action: string, object: string) => Promise<void>

/** Who changed what, durable before it is done. */
export const adminAudit =
  (options: { bus: Pick<Bus, 'produce'>; bastion: string; clock: Clock; source: string }): AdminAudit =>
  async ({ name, role, id }, action, object) => {
    const { bus, bastion, clock, source } = options
    const at = new Date(clock.now()).toISOString()
    const who = { user: name, actor: `${name} (${role}, ${id})` }
    const event = { id: uuidv7(), at, receivedAt: at, kind: 'access', source, bastion, ...who, action, object }
    await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
  }
