import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import type { Session } from '#services/schema/session.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import {
  headSnapshot,
  playedEvents,
  playMarkers,
  recordedEvents,
  replayIndex,
  replayTimeline,
  segmentNumber,
} from '../playback/replay.ts'
import { plannedSegments, type ReplayPin, type ReplayPlan, type ReplayRange, rangeOf } from '../playback/replay-plan.ts'
import { nothingStored } from '../playback/replay-plans.ts'
import { segmentJson } from '../playback/replay-segment.ts'
import { isViewOpen, type OpenedView, viewIdOf } from '../playback/view-id.ts'
import { parseInput, why } from './input.ts'
import { oneText, sendEncoded } from './send.ts'
import { sessionOf } from './sessions.ts'

const viewForMs = 3_600_000

/** Shorter pauses are not known without reading the recording; a replay without any would show everything at once. */
export const IdleMs = z.coerce.number().int().min(1_000).max(86_400_000)
export const SegmentNumber = z.coerce.number().int().min(0).max(10_000_000)
const markers = z.literal('commands').optional() // besides alerts, transfers and gaps
export const ReplayQuery = z.strictObject({ idleMs: IdleMs.optional(), markers, ...why })

/** `<last batch>.<segments of the views>`: what the index was made of. */
const pinForm = /^(\d{1,10})\.(\d{1,8})$/
const Pin = z
  .string()
  .regex(pinForm)
  .transform((text): ReplayPin => {
    const [lastSeq, viewCount] = text.split('.').map(Number)
    return { lastSeq: lastSeq!, viewCount: viewCount! }
  })
const pinText = ({ lastSeq, viewCount }: ReplayPin): string => `${lastSeq}.${viewCount}`
export const MarkerTag = z.string().regex(/^[0-9a-f]{16}$/)

/** As the index writes it. Without `pin` it is one of a replay that is opened now, without `view` it is on record by itself. */
export const SegmentQuery = ReplayQuery.extend({
  pin: Pin.optional(),
  tag: MarkerTag.optional(),
  view: z.string().max(64).optional(),
})

const durationMs = z.number().int().nonnegative()
/** In session time, but for `playMs`. */
export const Timeline = z.object({
  durationMs,
  playMs: durationMs,
  startedAt: z.iso.datetime(),
  isEnded: z.boolean(),
  skips: z.array(z.object({ atMs: durationMs, lengthMs: durationMs, keptMs: durationMs })),
  markers: z.array(
    z.object({ atMs: durationMs, kind: z.enum(['alert', 'transfer', 'gap', 'command']), label: z.string() }),
  ),
})

export const requireRecording = (session: Session): void => {
  if (!session.recorded) throw new BartizanError('BTZ_NOT_FOUND', 'this session was seen, but not recorded')
}

const wholeOf = (plan: ReplayPlan, idleMs: number | undefined): ReplayRange =>
  rangeOf(plan, { fromUs: 0, toUs: plan.durationUs }, idleMs ?? null)

/** Replay: content of a session. Each opening is audited, durably, before its first byte is sent. */
export const replayRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { content, keys, clock, replays } = context

  const recorded = async (request: Request): Promise<Session> => {
    const session = await sessionOf(context, request.params.id)
    requireRecording(session)
    return session
  }
  const viewOf = (response: Response, session: Session, pin: ReplayPin, reason: string | undefined): OpenedView => ({
    sessionId: session.id,
    principalId: principalOf(response).id,
    ...{ reason, pin: pinText(pin) },
  })
  const newViewId = async (view: OpenedView): Promise<string> =>
    viewIdOf(await keys.get(`session:${view.sessionId}`), view, clock.now() + viewForMs)

  // Whether there is something to play, asked by an open page until there is: no content, so no audit.
  router.head('/api/sessions/:id/replay/index.json', allow('session.replay'), async (request, response) => {
    const { id } = await recorded(request)
    if ((await context.catalog.blocks(id)).length === 0) throw nothingStored()
    response.status(200).end()
  })

  router.get('/api/sessions/:id/replay/index.json', allow('session.replay'), async (request, response) => {
    const { idleMs, markers } = parseInput(ReplayQuery, request.query)
    const session = await recorded(request)
    const reason = await content.enter(request, response, session, { action: 'session.replay' })
    const plan = await replays.plans.latest(session)
    const range = wholeOf(plan, idleMs)
    const set = await replays.markers.latest(session, plan, range, markers === 'commands')
    const view = await newViewId(viewOf(response, session, plan.pin, reason))
    const query = new URLSearchParams({
      ...{ pin: pinText(plan.pin), tag: set.tag, view },
      ...(idleMs !== undefined && { idleMs: String(idleMs) }),
      ...(markers !== undefined && { markers }),
      ...(reason !== undefined && { reason }), // the player sends no header of ours
    })
    const shown = playMarkers(set.markers, range)
    const index = replayIndex(plan, range, shown, (number) => `segments/${number}.json?${query}`)
    response.setHeader('Cache-Control', 'no-store')
    response.type('application/json')
    await sendEncoded(request, response, oneText(JSON.stringify(index)))
  })

  router.get('/api/sessions/:id/replay/timeline.json', allow('session.replay'), async (request, response) => {
    const { idleMs, markers } = parseInput(ReplayQuery, request.query)
    const session = await recorded(request)
    await content.enter(request, response, session, { action: 'session.replay.timeline', repeats: true })
    const plan = await replays.plans.latest(session)
    const range = wholeOf(plan, idleMs)
    const set = await replays.markers.latest(session, plan, range, markers === 'commands')
    const timeline = replayTimeline({ ...session, isEnded: session.endedAt !== null }, range, set.markers)
    response.setHeader('Cache-Control', 'no-store')
    response.type('application/json')
    await sendEncoded(request, response, oneText(JSON.stringify(timeline)))
  })

  router.get('/api/sessions/:id/replay/segments/:number.json', allow('session.replay'), async (request, response) => {
    const { idleMs, markers, pin, tag, view } = parseInput(SegmentQuery, request.query)
    const number = parseInput(SegmentNumber, request.params.number)
    const session = await recorded(request)
    const isOnRecord = async (reason: string | undefined) => {
      if (view === undefined || pin === undefined) return false
      const sessionKey = await keys.get(`session:${session.id}`)
      return isViewOpen(view, sessionKey, viewOf(response, session, pin, reason), clock.now())
    }
    await content.enter(request, response, session, { action: 'session.replay.segment', isOnRecord })
    const plan = await (pin ? replays.plans.pinned(session, pin) : replays.plans.latest(session))
    const range = wholeOf(plan, idleMs)
    const segment = plannedSegments(plan.heads, range).find((planned) => segmentNumber(planned) === number)
    if (!segment) throw new BartizanError('BTZ_NOT_FOUND', `this replay has no segment ${number}`)
    const shown = await replays.markers.tagged(session, plan, range, markers === 'commands', tag)
    const snapshot = await headSnapshot(replays, session, plan, segment)
    const events = recordedEvents(plan, segment, range.toUs, replays.read)
    const played = playedEvents(events, range, segment, playMarkers(shown, range))
    response.setHeader('Cache-Control', 'no-store')
    response.type('application/json')
    await sendEncoded(request, response, segmentJson(snapshot, played))
  })
  return router
}
