import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import type { Session } from '#services/schema/session.ts'
import { longestShareMinutes, Share } from '#services/shares/shares.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput } from './input.ts'
import { requireRecording } from './replay.ts'
import { sessionOf } from './sessions.ts'

const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 42)
export const NewShare = z.strictObject({
  fromMs: ms.default(0), // of the session
  toMs: ms.optional(), // absent: all that is stored by now
  expiresInMinutes: z.number().int().min(1).max(longestShareMinutes),
  reason: z.string().trim().min(1).max(1_024),
})
export const ShareLink = Share.pick({ id: true, fromMs: true, toMs: true, expiresAt: true }).extend({ url: z.string() })

/** @throws BTZ_FORBIDDEN */
const refuseUnshared = ({ config }: Pick<ViewerContext, 'config'>): void => {
  if (config.access.shares) return
  throw new BartizanError('BTZ_FORBIDDEN', 'recordings are not shared here with people without an account', {
    hint: 'the setting access.shares allows it',
  })
}

/** Who made a link may end it, and so may an admin. */
const refuseStranger = (response: Response, { by }: Share): void => {
  const { id, name, role } = principalOf(response)
  if (role === 'admin' || by.id === id || by.name === name) return
  throw new BartizanError('BTZ_FORBIDDEN', `only ${by.name}, or an admin, ends this link`)
}

/** What people with an account do about links. */
export const shareRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { shares, content, audit, replays } = context

  const rangeWanted = async (session: Session, { fromMs, toMs }: z.infer<typeof NewShare>) => {
    const { durationUs } = await replays.plans.latest(session)
    const range = { fromMs, toMs: Math.min(toMs ?? Number.POSITIVE_INFINITY, Math.ceil(durationUs / 1000)) }
    if (range.fromMs < range.toMs && range.fromMs * 1000 < durationUs) return range
    throw new BartizanError('BTZ_REQUEST_INVALID', 'nothing is stored of that part of the session', {
      hint: `it goes from 0 to ${Math.ceil(durationUs / 1000)} ms by now`,
    })
  }
  const sessionFor = async (request: Request): Promise<Session> => {
    refuseUnshared(context)
    const session = await sessionOf(context, request.params.id)
    requireRecording(session)
    return session
  }

  router.post('/api/sessions/:id/shares', allow('session.share'), async (request, response) => {
    const wanted = parseInput(NewShare, request.body)
    const session = await sessionFor(request)
    // Whoever may not see it cannot show it to others.
    const { reason, expiresInMinutes } = wanted
    await content.enter(request, response, session, { action: 'session.share', reason })
    const range = await rangeWanted(session, wanted)
    const by = principalOf(response)
    const { share, link } = await shares.create({ sessionId: session.id, ...range, expiresInMinutes, reason, by })
    // After `#`, so that the secret reaches no server log and no Referer.
    const { id, fromMs, toMs, expiresAt } = share
    response.setHeader('Cache-Control', 'no-store')
    response.status(201).json({ id, url: `${context.publicUrl()}/shared#${link}`, fromMs, toMs, expiresAt })
  })

  router.get('/api/sessions/:id/shares', allow('session.share'), async (request, response) => {
    const session = await sessionOf(context, request.params.id)
    await content.enterSession(request, response, session, { action: 'session.share.list', repeats: true })
    const items = await shares.list(session.id)
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })

  router.delete('/api/shares/:id', allow('session.share'), async (request, response) => {
    const share = await shares.find(String(request.params.id))
    refuseStranger(response, share)
    const principal = principalOf(response)
    const { sessionId, id } = share
    await audit({ principal, action: 'session.share.revoke', sessionId, reason: `share ${id}`, sourceIp: request.ip })
    await shares.revoke(id, principal)
    response.status(204).end()
  })
  return router
}
