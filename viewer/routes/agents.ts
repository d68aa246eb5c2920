import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import { type CodeAnswer, NewCode } from '#services/schema/enrolment.ts'
import { BastionName } from '#services/schema/ids.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import { enrolmentPlace } from '../agents/enrolment-place.ts'
import { openFindings } from '../agents/open-findings.ts'
import { agentsOf } from '../agents/roster.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput, reason } from './input.ts'

export const Revoke = z.strictObject({ reason: reason.optional() })
/** How many of each could have spoken for the bastion until now. */
export const Revoked = z.object({
  certificates: z.number().int(),
  tokens: z.number().int(),
  signingKeys: z.number().int(),
})

const bastionOf = (request: Request): string => {
  const name = BastionName.safeParse(request.params.bastion)
  if (name.success) return name.data
  throw new BartizanError('BTZ_REQUEST_INVALID', 'this is no name of a bastion')
}

/** Everything by which somebody could speak for the bastion. What was revoked already is not counted. */
const revokeAgent = async ({ agents, tokens }: ViewerContext, bastion: string): Promise<z.infer<typeof Revoked>> => {
  await agents.codes.revoke(bastion)
  const certificates = await agents.enrolments.revoke(bastion)
  const good = (await tokens.list()).filter((token) => token.bastion === bastion && token.revokedAt === null)
  for (const { id } of good) await tokens.revoke(id)
  return { certificates, tokens: good.length, signingKeys: await agents.signingKeys.revokeAll(bastion) }
}

export const agentRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { agents, audit, catalog, clock, config } = context
  const seen = ({ ip }: Request, response: Response, action: string) =>
    audit({ principal: principalOf(response), action, sourceIp: ip, repeats: true })

  router.get('/api/agents', allow('agent.list'), async (request, response) => {
    parseInput(z.strictObject({}), request.query)
    await seen(request, response, 'agent.list')
    const [enrolled, heard] = await Promise.all([agents.enrolments.list(), agents.heartbeats.list()])
    const items = agentsOf(enrolled, heard, config.detectors.recordingGap, clock.now())
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })

  router.get('/api/posture', allow('agent.list'), async (request, response) => {
    parseInput(z.strictObject({}), request.query)
    await seen(request, response, 'posture.list')
    const { items, complete } = await openFindings(catalog, clock.now())
    response.json({ items, complete, next: null, total: { value: items.length, relation: 'eq' } })
  })

  router.post('/api/agents/:bastion/codes', allow('agent.manage'), async (request, response) => {
    const bastion = bastionOf(request)
    const asked = parseInput(NewCode, request.body)
    const { forMs, relay: via = null, relayNames = null } = asked
    const place = await enrolmentPlace(agents, bastion, asked)
    const principal = principalOf(response)
    await audit({ principal, action: 'agent.enrol-code', object: bastion, sourceIp: request.ip })
    const { code, expiresAtMs } = await agents.codes.issue(bastion, forMs, principal.name, {
      via,
      relayNames,
    })
    const command = `./bartizan agent enrol ${place.url} --code ${code} --ca-sha256 ${place.caSha256}`
    const expiresAt = new Date(expiresAtMs).toISOString()
    response.setHeader('Cache-Control', 'no-store')
    response.status(201).json({ ...place, code, expiresAt, command } satisfies z.infer<typeof CodeAnswer>)
  })

  router.post('/api/agents/:bastion/revoke', allow('agent.manage'), async (request, response) => {
    const bastion = bastionOf(request)
    const { reason } = parseInput(Revoke, request.body ?? {})
    const principal = principalOf(response)
    await audit({ principal, action: 'agent.revoke', object: bastion, reason, sourceIp: request.ip })
    response.json(await revokeAgent(context, bastion))
  })
  return router
}
