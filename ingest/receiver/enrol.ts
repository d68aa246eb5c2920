import { randomUUID, X509Certificate } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { EnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import type { Enrolments } from '#services/agents/enrolments.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { createFailureLimit } from '#services/http/failure-limit.ts'
import type { Logger } from '#services/log.ts'
import type { Authority } from '#services/pki/authority.ts'
import { fingerprintOf } from '#services/pki/fingerprint.ts'
import { type EnrolAnswer, EnrolRequest, RenewRequest } from '#services/schema/enrolment.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { certificateOf } from './connection.ts'
import { parseJson } from './parse-json.ts'
import { createBodyReader } from './read-body.ts'

export type EnrolOptions = {
  authority: Pick<Authority, 'issueForAgent'>
  codes: Pick<EnrolmentCodes, 'redeem'>
  enrolments: Pick<Enrolments, 'verify' | 'add' | 'revocations'>
  agentKeys: Pick<AgentKeys, 'find'>
  bus: Pick<Bus, 'produce'>
  clock: Clock
  log: Logger
}

const certificateDays = 397
const maxBytes = 4096
const limits = { perMinute: 10, addresses: 10_000 }

type Issued = {
  bastion: string
  certificate: X509Certificate
  how: 'enrolled' | 'rotated'
  by: string
  sourceIp: string
}
type ToIssue = Omit<Issued, 'certificate' | 'sourceIp'> & { publicKey: string; because: X509Certificate | number }

/** Told before the agent has it: whoever watches sees each certificate that anybody could hold. */
const announce = async ({ bus, log, clock }: EnrolOptions, issued: Issued): Promise<void> => {
  const { bastion, certificate, how, by, sourceIp } = issued
  const detail = {
    sha256: fingerprintOf(certificate),
    how,
    by,
    sourceIp,
    expiresAt: certificate.validToDate.toISOString(),
  }
  const event: SessionEvent = {
    id: randomUUID(),
    at: new Date(clock.now()).toISOString(),
    kind: 'posture',
    source: 'receiver',
    bastion: bastion as SessionEvent['bastion'],
    check: 'agent-certificate',
    status: 'ok',
    detail,
  }
  await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
  log.info({ bastion, ...detail }, 'an agent got a certificate')
}

const refused = () =>
  new BartizanError('BTZ_ENROL_REFUSED', 'the code is wrong, used, too old, or of another bastion', {
    hint: '`bartizan agents enrol-code --bastion NAME` makes another; NAME has to be what the agent calls its bastion',
  })

/** Enrolment by a one-time code, and the exchange of a certificate for another. */
export const createEnrolment = (options: EnrolOptions): Router => {
  const { authority, codes, enrolments, agentKeys, clock } = options
  const readBody = createBodyReader()
  const failures = createFailureLimit(clock, limits)

  const issue = async (request: Request, one: ToIssue): Promise<string> => {
    const pem = await authority.issueForAgent(one.bastion, one.publicKey, certificateDays)
    const certificate = new X509Certificate(pem)
    const { bastion, how, by } = one
    await announce(options, { bastion, how, by, certificate, sourceIp: request.socket.remoteAddress ?? '' })
    await enrolments.add(one.bastion, certificate, one.because)
    return pem
  }
  const redeem = async (request: Request, response: Response, { bastion, code }: EnrolRequest): Promise<string> => {
    const address = request.socket.remoteAddress ?? ''
    const waitSeconds = failures.waitSeconds(address)
    if (waitSeconds > 0) {
      response.set('Retry-After', String(waitSeconds))
      throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `too many wrong codes from ${address}`)
    }
    const issuedBy = await codes.redeem(bastion, code)
    if (issuedBy !== null) return issuedBy
    failures.count(address)
    throw refused()
  }
  const enrol = async (request: Request, response: Response): Promise<void> => {
    const asked = parseJson(EnrolRequest, await readBody(request, maxBytes))
    const { bastion, publicKey, keyId } = asked
    const because = await enrolments.revocations(bastion)
    const by = await redeem(request, response, asked)
    const key = keyId === null ? null : await agentKeys.find(bastion, keyId)
    const certificate = await issue(request, { bastion, publicKey, how: 'enrolled', by, because })
    const answer: EnrolAnswer = { certificate, isSigningKeyRevoked: (key?.revokedAt ?? null) !== null }
    response.status(201).json(answer)
  }
  const holderOf = async (request: Request): Promise<{ bastion: string; certificate: X509Certificate }> => {
    const certificate = certificateOf(request)
    if (certificate === null)
      throw new BartizanError('BTZ_AUTH_REQUIRED', 'a certificate of an enrolled agent is needed')
    const { bastion } = await enrolments.verify(certificate)
    return { bastion: bastion ?? '', certificate }
  }
  const renew = async (request: Request, response: Response): Promise<void> => {
    const { bastion, certificate: because } = await holderOf(request)
    const { publicKey } = parseJson(RenewRequest, await readBody(request, maxBytes))
    const certificate = await issue(request, { bastion, publicKey, how: 'rotated', by: bastion, because })
    response.status(201).json({ certificate })
  }

  const router = Router()
  router.post('/api/agents/enrol', enrol)
  router.post('/api/agents/certificate', renew)
  router.get('/api/agents/certificate', async (request, response) => {
    response.json({ bastion: (await holderOf(request)).bastion })
  })
  return router
}
