import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { BartizanError, hasCode } from '#services/errors.ts'
import { createFailureLimit } from '#services/http/failure-limit.ts'
import type { Session } from '#services/schema/session.ts'
import type { Share } from '#services/shares/shares.ts'
import { readShareCookie, shareCookie, sharePath } from '../access/share-cookie.ts'
import { maySeeStill } from '../access/share-maker.ts'
import type { ViewerContext } from '../context.ts'
import { playMarkers, replayIndex, replayTimeline } from '../playback/replay.ts'
import { plannedSegments, type ReplayPlan, type ReplayRange, rangeOf } from '../playback/replay-plan.ts'
import { segmentJson } from '../playback/replay-segment.ts'
import { createSharedReplay } from '../playback/shared-replay.ts'
import { isViewOpen, type OpenedView, viewIdOf } from '../playback/view-id.ts'
import { parseInput } from './input.ts'
import { IdleMs, MarkerTag, SegmentNumber } from './replay.ts'
import { oneText, sendEncoded } from './send.ts'

export const OpenShare = z.strictObject({ link: z.string().max(128) })
export const SharedReplayQuery = z.strictObject({ idleMs: IdleMs.optional() })
export const SharedSegmentQuery = SharedReplayQuery.extend({
  count: SegmentNumber.optional(),
  tag: MarkerTag.optional(),
})
export const SharedSession = z.object({
  user: z.string(),
  bastion: z.string(),
  startedAt: z.iso.datetime(),
  fromMs: z.number().int(),
  toMs: z.number().int(),
  expiresAt: z.iso.datetime(),
})

const openForMs = 12 * 3_600_000
const guesses = { perMinute: 10, addresses: 10_000 }

const nowhere = () => new BartizanError('BTZ_NOT_FOUND', 'this link leads nowhere, or not any more')
const openingOf = ({ id, sessionId }: Share): OpenedView => ({
  sessionId,
  principalId: `share:${id}`,
  ...{ reason: undefined, pin: 'share' },
})

const headsWithin = ({ heads }: ReplayPlan, { fromUs, toUs }: ReplayRange) =>
  heads.filter(({ startUs }) => startUs > fromUs && startUs < toUs)

/** As an index found it, that knew of `count` segments within the range: later views may have more. */
const withHeads = (plan: ReplayPlan, range: ReplayRange, count = Number.MAX_SAFE_INTEGER): ReplayPlan => {
  const before = plan.heads.filter(({ startUs }) => startUs <= range.fromUs)
  return { ...plan, heads: [...before, ...headsWithin(plan, range).slice(0, count)] }
}

/** Whoever has a link and no account: what is shown here is one part of one session, and nothing else. */
export const sharedRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { shares, catalog, keys, clock, audit, replays } = context
  const failures = createFailureLimit(clock, guesses)
  const shared = createSharedReplay(replays)

  const countGuess = async <T>(request: Request, response: Response, attempt: () => Promise<T>): Promise<T> => {
    const address = request.socket.remoteAddress ?? ''
    const wait = failures.waitSeconds(address)
    if (wait > 0) {
      response.setHeader('Retry-After', wait)
      throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `too many links that lead nowhere from ${address}`)
    }
    try {
      return await attempt()
    } catch (error) {
      if (hasCode(error, 'BTZ_NOT_FOUND')) failures.count(address)
      throw error
    }
  }
  /** The session of a share, as long as there is something to show. Why there is not is none of a stranger's business. */
  const sessionFor = async (share: Share): Promise<Session> => {
    const session = await catalog.session(share.sessionId)
    if (!session?.recorded || session.evidence === 'erasing' || session.evidence === 'erased') throw nowhere()
    if (!(await maySeeStill(context, share, session))) throw nowhere()
    return session
  }
  const keyOf = ({ sessionId }: Share): Promise<Uint8Array> =>
    keys.get(`session:${sessionId}`).catch((error: unknown) => {
      throw hasCode(error, 'BTZ_KEY_DESTROYED') ? nowhere() : error
    })

  router.post(sharePath, async (request, response) => {
    const { link } = parseInput(OpenShare, request.body)
    const share = await countGuess(request, response, async () => {
      if (!context.config.access.shares) throw nowhere()
      const found = await shares.verify(link)
      await sessionFor(found)
      return found
    })
    const { id, sessionId, by, reason } = share
    const principal = { id: `share:${id}`, name: `link of ${by.name}`, role: 'no account' }
    await audit({
      ...{ principal, action: 'session.share.open', sessionId, reason, sourceIp: request.ip },
      isContent: true,
    })
    await shares.opened(id, request.ip ?? '')
    const expiresAtMs = Math.min(Date.parse(share.expiresAt), clock.now() + openForMs)
    const viewId = viewIdOf(await keyOf(share), openingOf(share), expiresAtMs)
    response.cookie(shareCookie, `${id}.${viewId}`, {
      ...{ httpOnly: true, sameSite: 'strict', path: sharePath, maxAge: expiresAtMs - clock.now() },
      secure: context.publicUrl().startsWith('https:'),
    })
    response.setHeader('Cache-Control', 'no-store')
    response.status(204).end()
  })

  /** @throws BTZ_AUTH_REQUIRED nothing was opened; BTZ_NOT_FOUND it ended */
  const opened = (request: Request, response: Response): Promise<{ share: Share; session: Session }> =>
    countGuess(request, response, async () => {
      const cookie = readShareCookie(request)
      if (!cookie)
        throw new BartizanError('BTZ_AUTH_REQUIRED', 'no shared recording is open', { hint: 'open its link' })
      if (!context.config.access.shares) throw nowhere()
      const share = await shares.open(cookie.id)
      const session = await sessionFor(share)
      if (!isViewOpen(cookie.viewId, await keyOf(share), openingOf(share), clock.now())) throw nowhere()
      return { share, session }
    })
  const rangeFor = ({ fromMs, toMs }: Share, plan: ReplayPlan, idleMs: number | undefined): ReplayRange =>
    rangeOf(plan, { fromUs: fromMs * 1000, toUs: Math.min(toMs * 1000, plan.durationUs) }, idleMs ?? null)
  const latest = async (share: Share, session: Session, idleMs: number | undefined) => {
    const plan = await replays.plans.latest(session)
    const range = rangeFor(share, plan, idleMs)
    return { plan, range, ...(await replays.markers.latest(session, plan, range, false)) }
  }
  const sendJson = async (request: Request, response: Response, pieces: AsyncIterable<string>): Promise<void> => {
    response.setHeader('Cache-Control', 'no-store')
    response.type('application/json')
    await sendEncoded(request, response, pieces)
  }

  router.get(`${sharePath}/session`, async (request, response) => {
    const { share, session } = await opened(request, response)
    const { fromMs, toMs, expiresAt } = share
    const { user, bastion, startedAt } = session
    response.setHeader('Cache-Control', 'no-store')
    response.json({ user, bastion, startedAt, fromMs, toMs, expiresAt })
  })

  router.get(`${sharePath}/replay/index.json`, async (request, response) => {
    const { idleMs } = parseInput(SharedReplayQuery, request.query)
    const { share, session } = await opened(request, response)
    const { plan, range, markers, tag } = await latest(share, session, idleMs)
    const count = String(headsWithin(plan, range).length)
    const query = new URLSearchParams({ count, tag, ...(idleMs !== undefined && { idleMs: String(idleMs) }) })
    const urlOf = (_: number, place: number) => `segments/${place}.json?${query}`
    const index = replayIndex(plan, range, playMarkers(markers, range), urlOf)
    await sendJson(request, response, oneText(JSON.stringify(index)))
  })

  router.get(`${sharePath}/replay/timeline.json`, async (request, response) => {
    const { idleMs } = parseInput(SharedReplayQuery, request.query)
    const { share, session } = await opened(request, response)
    const { range, markers } = await latest(share, session, idleMs)
    await sendJson(
      request,
      response,
      oneText(JSON.stringify(replayTimeline({ ...session, isEnded: true }, range, markers))),
    )
  })

  router.get(`${sharePath}/replay/segments/:number.json`, async (request, response) => {
    const { idleMs, count, tag } = parseInput(SharedSegmentQuery, request.query)
    const number = parseInput(SegmentNumber, request.params.number)
    const { share, session } = await opened(request, response)
    const latestPlan = await replays.plans.latest(session)
    const range = rangeFor(share, latestPlan, idleMs)
    const plan = withHeads(latestPlan, range, count)
    const segment = plannedSegments(plan.heads, range)[number]
    if (!segment) throw new BartizanError('BTZ_NOT_FOUND', `this replay has no segment ${number}`)
    const markers = playMarkers(await replays.markers.tagged(session, plan, range, false, tag), range)
    const { snapshot, events } = await shared.segment(session, plan, range, segment, markers)
    await sendJson(request, response, segmentJson(snapshot, events))
  })

  // Nothing else is here for whoever has no account.
  router.use(sharePath, () => {
    throw new BartizanError('BTZ_NOT_FOUND', 'there is nothing of that name here')
  })
  return router
}
