import { type Request, Router } from 'express'
import { z } from 'zod'
import { may } from '#services/access/permissions.ts'
import { refuseErasure } from '#services/erasure/erasure.ts'
import { BartizanError } from '#services/errors.ts'
import type { Action, Principal } from '#services/schema/access.ts'
import { type Approval, ApprovalAction, ApprovalState } from '#services/schema/approval.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { page, parseInput } from './input.ts'
import { sessionOf } from './sessions.ts'

const reason = z.string().trim().min(1).max(1_024)
export const ApprovalsQuery = z.strictObject({
  state: ApprovalState.optional(),
  action: ApprovalAction.optional(),
  limit: page.limit,
  cursor: z.uuidv7().optional(),
})
export const DecideApproval = z.strictObject({ decision: z.enum(['approved', 'refused']), reason })
export const AskAccess = z.strictObject({ reason })

/** What whoever decides has to be allowed. */
const needed: Record<ApprovalAction, Action> = {
  'hold.lift': 'custody.approve',
  erasure: 'custody.approve',
  'access.view': 'access.approve',
}
const mayDecide = ({ role }: Principal, { action }: Approval): boolean => may(role, needed[action])

/** Those who decide see all that they could, others what they asked for themselves. */
const maySee = (principal: Principal, approval: Approval): boolean =>
  mayDecide(principal, approval) ||
  approval.requestedBy.id === principal.id ||
  (may(principal.role, 'custody.read') && approval.action !== 'access.view')

export const approvalRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { approvals, audit, content, custody, ownership } = context

  /** Of one that may not be seen nothing is told. @throws BTZ_NOT_FOUND */
  const found = async (request: Request, principal: Principal): Promise<Approval> => {
    const approval = await approvals.get(String(request.params.id))
    if (maySee(principal, approval)) return approval
    throw new BartizanError('BTZ_NOT_FOUND', 'there is no approval with this id')
  }

  router.get('/api/approvals', async (request, response) => {
    const { limit, cursor, ...only } = parseInput(ApprovalsQuery, request.query)
    const principal = principalOf(response)
    const all = (await approvals.list(only)).filter((one) => maySee(principal, one))
    const rest = all.filter(({ id }) => cursor === undefined || id < cursor)
    const items = rest.slice(0, limit)
    const next = rest.length > limit ? items.at(-1)!.id : null
    response.json({ items, next, total: { value: all.length, relation: 'eq' } })
  })

  router.get('/api/approvals/:id', async (request, response) => {
    response.json(await found(request, principalOf(response)))
  })

  router.post('/api/approvals/:id', async (request, response) => {
    const { decision, reason } = parseInput(DecideApproval, request.body)
    const principal = principalOf(response)
    const approval = await found(request, principal)
    if (!mayDecide(principal, approval))
      throw new BartizanError('BTZ_FORBIDDEN', `the role ${principal.role} does not allow ${needed[approval.action]}`)
    await approvals.decidable(approval.id, principal)
    if (approval.action === 'erasure' && decision === 'approved')
      refuseErasure(await sessionOf(context, approval.subject), await custody.get(approval.subject))
    const action = decision === 'approved' ? 'approval.approve' : 'approval.refuse'
    const object = `${approval.action} ${approval.subject} ${approval.id}`
    await audit({ principal, action, object, reason, sourceIp: request.ip })
    response.json(await approvals.decide(approval.id, { decision, reason, by: principal }))
  })

  router.post('/api/sessions/:id/access', allow('session.view'), async (request, response) => {
    const session = await sessionOf(context, request.params.id)
    const { reason } = parseInput(AskAccess, request.body)
    const principal = principalOf(response)
    await ownership.refuseOwn(principal, session)
    if (!content.needsSecondPerson(session))
      throw new BartizanError('BTZ_REQUEST_INVALID', 'what was recorded here takes no leave of anybody')
    await audit({ principal, action: 'access.request', sessionId: session.id, reason, sourceIp: request.ip })
    const asked = { action: 'access.view', subject: session.id, reason, by: principal } as const
    response.status(202).json(await approvals.request(asked))
  })
  return router
}
