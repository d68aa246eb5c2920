import { randomUUID, X509Certificate } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { EnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import type { EnrolmentWay } from '#services/agents/enrolment-way.ts'
import type { Because, Enrolments } from '#services/agents/enrolments.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { createFailureLimit } from '#services/http/failure-limit.ts'
import type { Logger } from '#services/log.ts'
import { relayOf } from '#services/pki/agent-name.ts'
import type { Authority } from '#services/pki/authority.ts'
import { fingerprintOf } from '#services/pki/fingerprint.ts'
import { type EnrolAnswer, EnrolRequest, RenewRequest } from '#services/schema/enrolment.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { behindAddressHeader, behindHeader } from '#services/schema/uplink-protocol.ts'
import { addressBehind, holderBehind } from './behind.ts'
import { certificateOf } from './connection.ts'
import { parseJson } from './parse-json.ts'
import { createBodyReader } from './read-body.ts'

export type EnrolOptions = {
  authority: Pick<Authority, 'issueForAgent' | 'issueForRelay'>
  codes: Pick<EnrolmentCodes, 'redeem'>
  enrolments: Pick<Enrolments, 'verify' | 'verifyBehind' | 'add' | 'revocations' | 'wayOf'>
  agentKeys: Pick<AgentKeys, 'find'>
  bus: Pick<Bus, 'produce'>
  clock: Clock
  log: Logger
}

const certificateDays = 397
/** A stolen one deceives the agents behind the relay until it ends: they do not ask whether it was revoked. */
const relayDays = 90
const maxBytes = 4096
const limits = { perMinute: 10, addresses: 10_000 }

type Issued = {
  bastion: string
  certificate: X509Certificate
  how: 'enrolled' | 'rotated'
  by: string
  via: string | null
  sourceIp: string
}
type ToIssue = Omit<Issued, 'certificate' | 'sourceIp' | 'via'> & {
  publicKey: string
  because: Because
  way: EnrolmentWay
}

type Holder = { bastion: string; sha256: string; via: string | null }

const addressOf = (request: Request, via: string | null): string =>
  via === null ? (request.socket.remoteAddress ?? '') : addressBehind(request)

/** Told before the agent has it: whoever watches sees each certificate that anybody could hold. */
const announce = async ({ bus, log, clock }: EnrolOptions, issued: Issued): Promise<void> => {
  const { bastion, certificate, how, by, via, sourceIp } = issued
  const detail = {
    sha256: fingerprintOf(certificate),
    how,
    by,
    sourceIp,
    ...(via !== null && { via }),
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
  new BartizanError('BTZ_ENROL_REFUSED', 'the code is wrong, used, too old, of another bastion or of another way', {
    hint: '`bartizan agents enrol-code --bastion NAME` makes another; NAME has to be what the agent calls its bastion',
  })

/** Enrolment by a one-time code, and the exchange of a certificate for another. */
export const createEnrolment = (options: EnrolOptions): Router => {
  const { authority, codes, enrolments, agentKeys, clock } = options
  const readBody = createBodyReader()
  const failures = createFailureLimit(clock, limits)

  const issue = async (request: Request, via: string | null, one: ToIssue): Promise<string> => {
    const { bastion, publicKey, how, by, way } = one
    const pem =
      way.relayNames === null
        ? await authority.issueForAgent(bastion, publicKey, certificateDays)
        : await authority.issueForRelay(bastion, publicKey, way.relayNames, relayDays)
    const certificate = new X509Certificate(pem)
    await announce(options, { bastion, how, by, certificate, via, sourceIp: addressOf(request, via) })
    await enrolments.add(bastion, certificate, one.because, way)
    return pem
  }
  const redeem = async (request: Request, response: Response, { bastion, code }: EnrolRequest, via: string | null) => {
    const address = `${via ?? ''} ${addressOf(request, via)}`.trim()
    const waitSeconds = failures.waitSeconds(address)
    if (waitSeconds > 0) {
      response.set('Retry-After', String(waitSeconds))
      throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `too many wrong codes from ${address}`)
    }
    const redeemed = await codes.redeem(bastion, code, via)
    if (redeemed !== null) return redeemed
    failures.count(address)
    throw refused()
  }
  /** Null: the agent comes by itself. @throws BTZ_AUTH_REQUIRED */
  const relayThatBrings = async (certificate: X509Certificate | null): Promise<string | null> => {
    const relay = certificate && relayOf(certificate)
    if (relay === null) return null
    await enrolments.verify(certificate!)
    return relay
  }
  const enrol = async (request: Request, response: Response): Promise<void> => {
    const presented = certificateOf(request)
    const via = request.get(behindAddressHeader) === undefined ? null : await relayThatBrings(presented)
    const asked = parseJson(EnrolRequest, await readBody(request, maxBytes))
    const { bastion, publicKey, keyId } = asked
    const because = await enrolments.revocations(bastion)
    const { issuedBy: by, way } = await redeem(request, response, asked, via)
    const key = keyId === null ? null : await agentKeys.find(bastion, keyId)
    const certificate = await issue(request, via, { bastion, publicKey, how: 'enrolled', by, because, way })
    const answer: EnrolAnswer = { certificate, isSigningKeyRevoked: (key?.revokedAt ?? null) !== null }
    response.status(201).json(answer)
  }
  /** Who holds the certificate of this connection; where that is a relay's, and it says so, the agent behind it. */
  const holderOf = async (request: Request): Promise<Holder> => {
    const certificate = certificateOf(request)
    if (certificate === null)
      throw new BartizanError('BTZ_AUTH_REQUIRED', 'a certificate of an enrolled agent is needed')
    const { bastion: own } = await enrolments.verify(certificate)
    const via = request.get(behindHeader) === undefined ? null : relayOf(certificate)
    if (via === null) return { bastion: own ?? '', sha256: fingerprintOf(certificate), via }
    const { bastion, sha256 } = holderBehind(request)
    await enrolments.verifyBehind(via, bastion, sha256)
    return { bastion, sha256, via }
  }
  const renew = async (request: Request, response: Response): Promise<void> => {
    const { bastion, sha256: because, via } = await holderOf(request)
    const { publicKey } = parseJson(RenewRequest, await readBody(request, maxBytes))
    const way = await enrolments.wayOf(bastion)
    const certificate = await issue(request, via, { bastion, publicKey, how: 'rotated', by: bastion, because, way })
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
