import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate, type SecureContextOptions } from 'node:tls'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import { uplinkProtocol } from '#services/schema/agent-status.ts'
import { protocolHeader } from '#services/schema/uplink-protocol.ts'

const limitMs = 20_000
const maxAnswerBytes = 64 * 1024
const maxChain = 8

const Problem = z.looseObject({ detail: z.string().optional(), hint: z.string().optional() })

const unreachable = (url: URL, cause: unknown) =>
  new BartizanError('BTZ_UNAVAILABLE', `no receiver answers at ${url.origin}: ${(cause as Error).message}`, {
    hint: 'are its name, its port and the way there right?',
    cause,
  })

/** Every certificate that the server sent, its own first. */
const chainOf = (first: DetailedPeerCertificate): Buffer[] => {
  const chain: Buffer[] = []
  for (let each = first; each?.raw && chain.length < maxChain; each = each.issuerCertificate) {
    if (chain.at(-1)?.equals(each.raw)) break // the last one is its own issuer
    chain.push(each.raw)
  }
  return chain
}

const handshake = (url: URL): Promise<Buffer[]> =>
  new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const servername = isIP(host) ? {} : { servername: host }
    // Nothing is believed and nothing is sent: only the certificates are taken, and looked at below.
    const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false, ...servername })
    socket.setTimeout(limitMs, () => socket.destroy(new Error('it does not answer')))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      resolve(chainOf(socket.getPeerCertificate(true)))
      socket.destroy()
    })
  })

/**
 * The authority's certificate (PEM), got from the server itself and known by its fingerprint.
 * @throws BTZ_CERTIFICATE when the server's chain does not hold it, BTZ_UNAVAILABLE
 */
export const fetchAuthority = async (url: URL, sha256: string): Promise<string> => {
  const chain = await handshake(url).catch((error: unknown) => {
    throw unreachable(url, error)
  })
  const wanted = Buffer.from(sha256, 'hex')
  const found = chain.find((raw) => timingSafeEqual(createHash('sha256').update(raw).digest(), wanted))
  if (found) return new X509Certificate(found).toString()
  throw new BartizanError('BTZ_CERTIFICATE', `${url.origin} is not vouched for by the authority of this fingerprint`, {
    hint: 'compare it with what `bartizan agents enrol-code` printed. If they are the same, somebody stands in between',
  })
}

/**
 * A call to the receiver, which has to prove itself by `tls.ca`.
 * @throws BTZ_UNAVAILABLE, BTZ_ENROL_REFUSED with the receiver's own words
 */
export const callReceiver = async (
  url: URL,
  tls: SecureContextOptions,
  { method, path, body }: { method: 'GET' | 'POST'; path: string; body?: object },
): Promise<unknown> => {
  const { status, text } = await exchange(new URL(path, url), tls, method, body).catch((error: unknown) => {
    throw unreachable(url, error)
  })
  const answer = parsed(text)
  if (status < 300) return answer
  const { detail, hint } = Problem.catch({}).parse(answer)
  const message = detail ?? `the receiver answered ${status}`
  throw new BartizanError('BTZ_ENROL_REFUSED', message, hint === undefined ? {} : { hint })
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const exchange = (url: URL, tls: SecureContextOptions, method: string, body?: object) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = { [protocolHeader]: String(uplinkProtocol), 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(limitMs)
    const request = httpsRequest(url, { ...tls, minVersion: 'TLSv1.3', method, headers, signal, agent: false })
    request.once('error', reject)
    request.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
        if (text.length > maxAnswerBytes) response.destroy(new Error('the answer is too long'))
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
