import { Router } from 'express'
import { z } from 'zod'
import { checkedSuppression } from '#services/alerts/suppressions.ts'
import { RuleId } from '#services/schema/alert.ts'
import { BastionName } from '#services/schema/ids.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput, reason, word } from './input.ts'

export const NewSuppression = z.strictObject({
  rule: RuleId.optional(),
  user: word,
  source: z.string().trim().min(2).max(64).optional(),
  bastion: BastionName.optional(),
  owner: z.string().trim().min(1).max(256),
  reason,
  expiresAt: z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString()),
})
export const EndSuppression = z.strictObject({ reason })

export const suppressionRoutes = ({ suppressions, audit, clock }: ViewerContext): Router => {
  const router = Router()

  router.get('/api/suppressions', allow('suppression.list'), async (request, response) => {
    parseInput(z.strictObject({}), request.query)
    const items = await suppressions.list()
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })

  router.post('/api/suppressions', allow('suppression.manage'), async (request, response) => {
    const wanted = checkedSuppression(parseInput(NewSuppression, request.body), clock.now())
    const principal = principalOf(response)
    const { reason, ...conditions } = wanted
    const object = JSON.stringify(conditions)
    await audit({ principal, action: 'suppression.create', object, reason, sourceIp: request.ip })
    response.status(201).json(await suppressions.add(wanted, principal.name))
  })

  router.delete('/api/suppressions/:id', allow('suppression.manage'), async (request, response) => {
    const { reason } = parseInput(EndSuppression, request.body ?? {})
    const { id } = await suppressions.find(String(request.params.id))
    const principal = principalOf(response)
    await audit({ principal, action: 'suppression.delete', object: id, reason, sourceIp: request.ip })
    await suppressions.remove(id)
    response.status(204).end()
  })
  return router
}
