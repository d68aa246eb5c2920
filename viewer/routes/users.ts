import { Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import { TimeZone } from '#services/schema/time-zone.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { latestEvents } from '../latest-events.ts'
import { habitsOf } from '../users/habits.ts'
import { seenUsers } from '../users/seen.ts'
import { parseInput, text } from './input.ts'

export const UserQuery = z.strictObject({
  zone: TimeZone.default('UTC'),
})
export const UsersQuery = z.strictObject({ q: text, limit: z.coerce.number().int().min(1).max(500).default(50) })
const mostLogins = 5_000
const UserName = z.string().min(1).max(256)

const Seen = z.object({ count: z.number().int(), firstAt: z.iso.datetime(), lastAt: z.iso.datetime() })
/** `hours`: logins by hour of the week in the zone asked for, from Monday 00:00. `from`: of the oldest login counted. */
export const UserInfo = z.object({
  user: z.string(),
  person: z.null(),
  zone: z.string(),
  hours: z.array(z.number().int()).length(168),
  addresses: z.array(Seen.extend({ ip: z.string() })),
  hosts: z.array(Seen.extend({ host: z.string() })),
  sessions: z.number().int(),
  alerts: z.number().int(),
  lastLoginAt: z.iso.datetime().nullable(),
  from: z.iso.datetime().nullable(),
  complete: z.boolean(), // false: there are older logins, which are not counted
})

export const userRoutes = ({ catalog, audit }: ViewerContext): Router => {
  const router = Router()

  router.get('/api/users', allow('user.view'), async (request, response) => {
    const { q = '', limit } = parseInput(UsersQuery, request.query)
    const principal = principalOf(response)
    await audit({ principal, action: 'user.list', object: q, sourceIp: request.ip, repeats: true })
    const { users, from } = await seenUsers(catalog, q)
    const items = users.slice(0, limit)
    response.json({ items, next: null, total: { value: users.length, relation: 'gte' }, from })
  })

  router.get('/api/users/:user', allow('user.view'), async (request, response) => {
    const { zone } = parseInput(UserQuery, request.query)
    const parsed = UserName.safeParse(request.params.user)
    if (!parsed.success) throw new BartizanError('BTZ_REQUEST_INVALID', 'a user has a name of 1 to 256 characters')
    const user = parsed.data
    await audit({
      principal: principalOf(response),
      action: 'user.view',
      object: user,
      sourceIp: request.ip,
      repeats: true,
    })
    const [{ events: logins, complete }, sessions, alerts] = await Promise.all([
      latestEvents(catalog, { kinds: ['login'], user }, mostLogins),
      catalog.sessions({ user, limit: 1 }),
      catalog.alerts({ user, statuses: ['open'], limit: 1 }),
    ])
    response.json({
      user,
      person: null,
      zone,
      ...habitsOf(logins, zone),
      sessions: sessions.total.value,
      alerts: alerts.total.value,
      complete,
    })
  })
  return router
}
