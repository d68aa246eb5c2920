import { X509Certificate } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import { parseJson } from '#ingest/receiver/parse-json.ts'
import { createBodyReader } from '#ingest/receiver/read-body.ts'
import { BartizanError } from '#services/errors.ts'
import { EnrolRequest, RenewAnswer, RenewRequest } from '#services/schema/enrolment.ts'
import { behindAddressHeader, behindHeader } from '#services/schema/uplink-protocol.ts'
import type { Answer } from '#services/uplink/receiver-client.ts'
import { holderOf, type KnownAgents } from './known-agents.ts'
import type { Link } from './link.ts'

const maxBytes = 4096
const limitMs = 15_000

const cut = () =>
  new BartizanError('BTZ_UNAVAILABLE', 'this relay does not reach the receiver now, which alone can enrol', {
    hint: 'try again when the link is up: `bartizan agents health` on the server says when the relay was heard',
  })

/** Enrolment and the exchange of certificates are the receiver's: its answers are passed on as they are. */
export const createEnrolmentPass = ({ link, known }: { link: Link; known: KnownAgents }): Router => {
  const readBody = createBodyReader()

  const ask = async (request: Request, headers: Record<string, string>, body: object | null): Promise<Answer> => {
    const answer = await link.ask({
      method: body === null ? 'GET' : 'POST',
      path: request.path,
      headers: { ...headers, [behindAddressHeader]: request.socket.remoteAddress ?? '' },
      contentType: 'application/json',
      body: Buffer.from(body === null ? '' : JSON.stringify(body)),
      timeoutMs: limitMs,
      signal: AbortSignal.timeout(limitMs),
    })
    if (answer) return answer
    throw cut()
  }
  const send = (response: Response, { status, body, retryAfterMs }: Answer): void => {
    if (retryAfterMs !== null) response.set('Retry-After', String(Math.ceil(retryAfterMs / 1000)))
    response
      .status(status)
      .type(status < 300 ? 'json' : 'application/problem+json')
      .send(JSON.stringify(body))
  }
  /** Known here before the agent has it. */
  const issued = async (response: Response, bastion: string, answer: Answer): Promise<void> => {
    const { data } = RenewAnswer.safeParse(answer.body)
    if (answer.status === 201 && data) await known.add(bastion, new X509Certificate(data.certificate))
    send(response, answer)
  }

  const router = Router()
  router.post('/api/agents/enrol', async (request, response) => {
    const asked = parseJson(EnrolRequest, await readBody(request, maxBytes))
    await issued(response, asked.bastion, await ask(request, {}, asked))
  })
  router.post('/api/agents/certificate', async (request, response) => {
    const { bastion, sha256 } = holderOf(request)
    const asked = parseJson(RenewRequest, await readBody(request, maxBytes))
    await issued(response, bastion, await ask(request, { [behindHeader]: `${bastion} ${sha256}` }, asked))
  })
  router.get('/api/agents/certificate', async (request, response) => {
    const { bastion, sha256 } = holderOf(request)
    send(response, await ask(request, { [behindHeader]: `${bastion} ${sha256}` }, null))
  })
  return router
}
