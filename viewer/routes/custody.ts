import { type Request, Router } from 'express'
import { z } from 'zod'
import { isHeld, liftDetails } from '#services/custody/custody.ts'
import { refuseErasure } from '#services/erasure/erasure.ts'
import { BartizanError } from '#services/errors.ts'
import { longestRetention } from '#services/recordings/longest-retention.ts'
import { Custody, CustodyErasure, CustodyHold, HoldLift, LongerRetention } from '#services/schema/custody.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput } from './input.ts'
import { sessionOf } from './sessions.ts'

const reason = z.string().trim().min(1).max(1_024)
export const AskCustody = z.strictObject({ reason })
export const NewRetention = z.strictObject({ until: z.iso.datetime({ offset: true }), reason })

const HoldInfo = CustodyHold.omit({ act: true }).extend({ lifted: HoldLift.omit({ act: true }).nullable() })
const RetentionInfo = LongerRetention.omit({ act: true })
/** Without the acts: what is in them and not here only keeps their hashes from being guessed. */
export const CustodyInfo = Custody.extend({
  held: z.boolean(),
  holds: z.array(HoldInfo),
  retention: RetentionInfo.nullable(),
  erasure: CustodyErasure.omit({ act: true, lastAct: true })
    .extend({ until: z.iso.datetime().nullable() }) // when what only time takes away is gone
    .nullable(),
})

const untilOf = ({ act }: CustodyErasure): string | null => (act?.kind === 'erasure' ? act.until : null)
const infoOf = (custody: Custody): z.infer<typeof CustodyInfo> =>
  CustodyInfo.parse({
    ...custody,
    held: isHeld(custody),
    erasure: custody.erasure && { ...custody.erasure, until: untilOf(custody.erasure) },
  })

/** @throws BTZ_REQUEST_INVALID BTZ_RETENTION_TOO_LONG */
const checkUntil = (until: Date, nowMs: number, maxRetentionYears: number): void => {
  if (until.getTime() <= nowMs) throw new BartizanError('BTZ_REQUEST_INVALID', 'that date is past')
  if (until <= longestRetention(nowMs, maxRetentionYears)) return
  throw new BartizanError('BTZ_RETENTION_TOO_LONG', `that is more than ${maxRetentionYears} years`, {
    hint: 'recordings.maxRetentionYears is the bound: a lock cannot be taken back',
  })
}

export const custodyRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { custody, approvals, audit, ownership, clock, config, custodyChanged } = context

  /** Nobody keeps evidence of their own sessions. @throws BTZ_NOT_FOUND BTZ_OWN_SESSION */
  const mayAsk = async (request: Request, response: Parameters<typeof principalOf>[0]) => {
    const session = await sessionOf(context, request.params.id)
    const principal = principalOf(response)
    await ownership.refuseOwn(principal, session)
    const say = (action: string, why: string, object?: string) =>
      audit({ principal, action, object, sessionId: session.id, reason: why, sourceIp: request.ip })
    return { session, principal, say }
  }

  router.get('/api/sessions/:id/custody', allow('custody.read'), async (request, response) => {
    const { id } = await sessionOf(context, request.params.id)
    const principal = principalOf(response)
    await audit({ principal, action: 'custody.view', sessionId: id, sourceIp: request.ip, repeats: true })
    const none: Custody = { sessionId: id, holds: [], retention: null, erasure: null }
    response.setHeader('Cache-Control', 'no-store')
    response.json(infoOf((await custody.get(id)) ?? none))
  })

  router.post('/api/sessions/:id/hold', allow('custody.request'), async (request, response) => {
    const { reason } = parseInput(AskCustody, request.body)
    const { session, principal, say } = await mayAsk(request, response)
    await say('custody.hold', reason)
    const hold = await custody.hold(session.id, { reason, by: principal })
    custodyChanged()
    response.status(201).json(HoldInfo.parse(hold))
  })

  router.post('/api/sessions/:id/hold/lift', allow('custody.request'), async (request, response) => {
    const { reason } = parseInput(AskCustody, request.body)
    const { session, principal, say } = await mayAsk(request, response)
    const stands = await custody.get(session.id)
    const details = stands && liftDetails(stands)
    if (!details?.holdIds.length) throw new BartizanError('BTZ_REQUEST_INVALID', 'no hold stands on this session')
    await say('custody.hold.lift', reason)
    const asked = { action: 'hold.lift', subject: session.id, reason, by: principal, details } as const
    response.status(202).json(await approvals.request(asked))
  })

  router.post('/api/sessions/:id/erasure', allow('custody.request'), async (request, response) => {
    const { reason } = parseInput(AskCustody, request.body)
    const { session, principal, say } = await mayAsk(request, response)
    refuseErasure(session, await custody.get(session.id))
    await say('custody.erasure', reason)
    const asked = { action: 'erasure', subject: session.id, reason, by: principal } as const
    response.status(202).json(await approvals.request(asked))
  })

  router.post('/api/sessions/:id/retention', allow('custody.request'), async (request, response) => {
    const { until: text, reason } = parseInput(NewRetention, request.body)
    const until = new Date(text)
    checkUntil(until, clock.now(), config.recordings.maxRetentionYears)
    const { session, principal, say } = await mayAsk(request, response)
    await say('custody.retention', `until ${until.toISOString()}: ${reason}`)
    const retention = await custody.retain(session.id, { until, reason, by: principal })
    custodyChanged()
    response.status(202).json(RetentionInfo.parse(retention))
  })
  return router
}
