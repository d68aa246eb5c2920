import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { type AgentCredentials, readCredentials } from '#services/agents/credentials.ts'
import type { Finding } from '#services/finding.ts'
import { uplinkProtocol } from '#services/schema/agent-status.ts'
import { protocolHeader } from '#services/schema/uplink-protocol.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { judgeClock } from './clock.ts'

const certificateCheck = 'agent certificate'
const receiverCheck = 'receiver'
const askMs = 5_000
const soonMs = 30 * 24 * 3_600_000

const anew = '`bartizan agents enrol-code --bastion NAME` on the server prints the command that enrols this agent anew'
const day = (date: Date): string => date.toISOString().slice(0, 10)

export const judgeCertificate = (certificate: X509Certificate, nowMs: number): Finding => {
  const [from, to] = [certificate.validFromDate, certificate.validToDate]
  if (nowMs < from.getTime())
    return wrong(
      certificateCheck,
      `good from ${from.toISOString()} on, and this clock is before that`,
      'set this clock',
    )
  if (nowMs >= to.getTime()) return wrong(certificateCheck, `expired on ${day(to)}: nothing is taken any more`, anew)
  if (to.getTime() - nowMs >= soonMs) return fine(certificateCheck, `good until ${day(to)}`)
  const fix = '`bartizan agent rotate` gets another one now; the log of the agent says why it did not by itself'
  return wrong(certificateCheck, `expires on ${day(to)}, and was not renewed`, fix)
}

type Answer = { status: number; date: string | null }

/** What the receiver says to our certificate, and when. It has to prove itself by the authority of the enrolment. */
const ask = ({ url, ca, key, certificate: cert }: AgentCredentials): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { [protocolHeader]: String(uplinkProtocol) }
    const signal = AbortSignal.timeout(askMs)
    const options = { ca, key, cert, headers, agent: false, signal }
    request(new URL('/api/agents/certificate', url), options, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, date: response.headers.date ?? null })
    })
      .once('error', reject)
      .end()
  })

const judgeAnswer = ({ url, bastion }: AgentCredentials, status: number): Finding => {
  if (status === 200) return fine(receiverCheck, `${url} takes this agent for ${bastion}`)
  if (status === 401) return wrong(receiverCheck, `${url} does not take this agent's certificate`, anew)
  return wrong(receiverCheck, `${url} answered ${status}`, 'see the log of the receiver, and its `bartizan doctor`')
}

/** Of an agent that is enrolled: the certificate, the receiver, and its clock. */
export const enrolment: Check = {
  name: receiverCheck,
  run: async ({ config: { data, uplink }, clock }) => {
    const credentials = uplink.url === undefined ? await readCredentials(data) : null
    if (!credentials) return [notChecked(certificateCheck, 'this agent is not enrolled')]
    const certificate = judgeCertificate(new X509Certificate(credentials.certificate), clock.now())
    const sentMs = clock.now()
    try {
      const { status, date } = await ask(credentials)
      const offset = judgeClock('clock of the receiver', date, sentMs, clock.now())
      return [certificate, judgeAnswer(credentials, status), offset]
    } catch (error) {
      const fix =
        'start the receiver, or mend its name, the way there, and what stands in between (firewall, TLS proxy)'
      return [certificate, wrong(receiverCheck, `${credentials.url} cannot be asked: ${(error as Error).message}`, fix)]
    }
  },
}
