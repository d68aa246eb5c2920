import { Router } from 'express'
import { z } from 'zod'
import { may } from '#services/access/permissions.ts'
import { BartizanError } from '#services/errors.ts'
import type { Principal } from '#services/schema/access.ts'
import { SessionId } from '#services/schema/ids.ts'
import { Session, SessionState } from '#services/schema/session.ts'
import { TimeZone } from '#services/schema/time-zone.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { instant, page, parseInput, why, word } from './input.ts'
import { timedQuery } from './search.ts'

export const SessionsQuery = z.strictObject({
  q: z.string().max(2_048).optional(),
  tz: TimeZone.default('UTC'), // of dates, today and yesterday in q
  from: instant,
  to: instant,
  user: word,
  bastion: word,
  sourceIp: word,
  state: SessionState.optional(),
  connectionId: word,
  parentId: word,
  ...page,
  ...why,
})
/** `screenUnavailable`: why what its terminal showed was not derived, for a person; null: nothing is known to be wrong. */
export const SessionDetails = Session.extend({ screenUnavailable: z.string().nullable() })
export const CommandsQuery = z.strictObject({ ...page, ...why })
export const Terminate = z.strictObject({ reason: z.string().trim().min(3).max(1024) })

/** @throws BTZ_NOT_FOUND */
export const sessionOf = async (context: ViewerContext, id: unknown): Promise<Session> => {
  const parsed = SessionId.safeParse(id)
  const session = parsed.success ? await context.catalog.session(parsed.data) : null
  if (!session) throw new BartizanError('BTZ_NOT_FOUND', 'there is no session with this id')
  return session
}

/** Words are found in what was typed, too. @throws BTZ_FORBIDDEN */
const searchesContent = ({ role }: Principal): void => {
  if (may(role, 'session.view')) return
  throw new BartizanError('BTZ_FORBIDDEN', `the role ${role} does not allow a search in what was recorded`, {
    hint: 'ask by user, bastion, sourceIp, from and to',
  })
}

export const sessionRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { catalog, audit, content, replays } = context

  router.get('/api/sessions', allow('session.list'), async (request, response) => {
    const { q, tz, reason: _, ...query } = parseInput(SessionsQuery, request.query)
    if (!q?.trim()) return void response.json(await catalog.sessions(query))
    searchesContent(principalOf(response))
    await content.enterList(request, response, { action: 'search', object: q })
    const { cursor: given, ...asked } = query
    const { query: tree, hints, next, cursor } = timedQuery({ q, tz, cursor: given }, context.clock.now())
    const found = await catalog.sessions({ ...asked, query: tree, ...(cursor !== undefined && { cursor }) })
    const placeOf = (session: Session) => ({ sessionId: session.id, bastion: session.bastion, session })
    const sifted = await content.sift(response, found.items, placeOf)
    response.json({ ...found, next: next(found.next), ...sifted, hints })
  })

  router.get('/api/sessions/:id', allow('session.view'), async (request, response) => {
    const session = await sessionOf(context, request.params.id)
    await content.enterSession(request, response, session, { action: 'session.view', repeats: true })
    response.json({ ...session, screenUnavailable: await replays.views.unavailable(session.id) })
  })

  router.get('/api/sessions/:id/commands', allow('session.view'), async (request, response) => {
    const session = await sessionOf(context, request.params.id)
    const { reason: _, ...query } = parseInput(CommandsQuery, request.query)
    await content.enter(request, response, session, { action: 'session.commands', repeats: true })
    response.json(await catalog.commands(session.id, query))
  })

  router.post('/api/sessions/:id/terminate', allow('session.terminate'), async (request, response) => {
    const session = await sessionOf(context, request.params.id)
    const { reason } = parseInput(Terminate, request.body)
    if (session.endedAt) throw new BartizanError('BTZ_REQUEST_INVALID', 'the session has ended already')
    const principal = principalOf(response)
    await audit({ principal, action: 'session.terminate', sessionId: session.id, reason, sourceIp: request.ip })
    await context.terminate({
      bastion: session.bastion,
      sessionId: session.id,
      text: `This session was ended by ${principal.name}: ${reason}`,
    })
    response.status(202).json({ ordered: true })
  })
  return router
}
