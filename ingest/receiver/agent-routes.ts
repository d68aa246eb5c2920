import { json, Router } from 'express'
import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { Tokens } from '#services/access/tokens.ts'
import type { EnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import type { Enrolment, Enrolments } from '#services/agents/enrolments.ts'
import type { HeardAgent, Heartbeats } from '#services/agents/heartbeats.ts'
import { findReceiverPlace } from '#services/agents/receiver-place.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { adminAudit, adminsOnly } from '#services/http/admins-only.ts'
import type { Principal } from '#services/schema/access.ts'
import { NewCode } from '#services/schema/enrolment.ts'
import { BastionName } from '#services/schema/ids.ts'
import type { StateStore } from '#services/state/state-store.ts'

export type AgentRoutesOptions = {
  codes: Pick<EnrolmentCodes, 'issue' | 'revoke'>
  enrolments: Pick<Enrolments, 'list' | 'revoke'>
  heartbeats: Pick<Heartbeats, 'list'>
  agentKeys: Pick<AgentKeys, 'revokeAll'>
  tokens: Pick<Tokens, 'verify' | 'list' | 'revoke'>
  state: StateStore
  bus: Pick<Bus, 'produce'>
  bastion: string
  clock: Clock
}

const bastionOf = (text: unknown): string => {
  const name = BastionName.safeParse(text)
  if (name.success) return name.data
  throw new BartizanError('BTZ_REQUEST_INVALID', 'this is no name of a bastion')
}

/** Everything by which somebody could speak for the bastion. What was revoked already is not counted. */
const revokeAgent = async ({ codes, enrolments, agentKeys, tokens }: AgentRoutesOptions, bastion: string) => {
  await codes.revoke(bastion)
  const certificates = await enrolments.revoke(bastion)
  const good = (await tokens.list()).filter((token) => token.bastion === bastion && token.revokedAt === null)
  for (const { id } of good) await tokens.revoke(id)
  return { certificates, tokens: good.length, signingKeys: await agentKeys.revokeAll(bastion) }
}

/** Every agent that is enrolled or was heard, by the name of its bastion. */
const together = (enrolled: readonly Enrolment[], heard: readonly HeardAgent[]) => {
  const names = new Set([...enrolled, ...heard].map(({ bastion }) => bastion))
  return [...names].sort().map((bastion) => {
    const { atMs = null, version = null, status = null } = heard.find((one) => one.bastion === bastion) ?? {}
    const { certificates = [] } = enrolled.find((one) => one.bastion === bastion) ?? {}
    return { bastion, certificates, heardAtMs: atMs, version, status }
  })
}

/** What `bartizan agents` calls. */
export const agentRoutes = (options: AgentRoutesOptions): Router => {
  const { codes, enrolments, heartbeats, tokens, state } = options
  const router = Router()
  const audit = adminAudit({ ...options, source: 'receiver' })
  const admins = adminsOnly(tokens, 'token.manage')

  router.get('/api/agents', admins, async (_request, response) => {
    const items = together(...(await Promise.all([enrolments.list(), heartbeats.list()])))
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })
  router.post('/api/agents/:bastion/codes', admins, json({ limit: '4kb' }), async (request, response) => {
    const bastion = bastionOf(request.params.bastion)
    const asked = NewCode.safeParse(request.body)
    if (!asked.success) throw new BartizanError('BTZ_REQUEST_INVALID', 'forMs is to be from 10 s to a day')
    const place = await findReceiverPlace(state)
    if (!place)
      throw new BartizanError('BTZ_UNAVAILABLE', 'no receiver takes agents of other machines', {
        hint: 'set receiver.host (BARTIZAN_RECEIVER_HOST) and start the receiver again',
      })
    const principal = response.locals.principal as Principal
    await audit(principal, 'agent.enrol-code', bastion)
    const { code, expiresAtMs } = await codes.issue(bastion, asked.data.forMs, principal.name)
    response.status(201).json({ ...place, code, expiresAt: new Date(expiresAtMs).toISOString() })
  })
  router.post('/api/agents/:bastion/revoke', admins, async (request, response) => {
    const bastion = bastionOf(request.params.bastion)
    await audit(response.locals.principal as Principal, 'agent.revoke', bastion)
    response.json(await revokeAgent(options, bastion))
  })
  return router
}
