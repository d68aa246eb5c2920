import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { PrivateAddress, resolvePublic } from './public-address.ts'
import { SinkUnavailable } from './sink.ts'

const maxAnswerBytes = 64 * 1024

export type PostOptions = {
  url: string
  method?: 'POST' | 'GET' | 'HEAD' // absent: POST
  headers: Record<string, string>
  body: string
  allowPrivate: boolean
  ca?: string | undefined
  timeoutMs: number
}
export type Answer = { status: number; retryAfterMs: number | null }

/** Seconds or a date (RFC 9110, 10.2.3). Null: neither. */
export const retryAfterMs = (header: string | undefined, nowMs: number): number | null => {
  if (header === undefined || header.length > 64) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}

/** The answer's body is read, so that the server sees a proper end, and thrown away. */
const finish = (response: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes > maxAnswerBytes) response.destroy()
    })
    response.once('close', resolve)
    response.once('error', () => resolve())
  })

/**
 * One request on a connection of its own; a redirect is an answer like any other. No address of the destination stands in an
 * error: it may be a secret. @throws SinkUnavailable when there is no answer, PrivateAddress
 */
export const post = async (options: PostOptions, signal: AbortSignal): Promise<Answer> => {
  const { allowPrivate, ca, body, headers, timeoutMs, method = 'POST' } = options
  const url = new URL(options.url)
  const { address, family } = await resolvePublic(url.hostname, allowPrivate)
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  const asked = Promise.withResolvers<IncomingMessage>()
  const sent = request(
    url,
    {
      method,
      headers: { ...headers, ...(method === 'POST' && { 'content-length': Buffer.byteLength(body) }) },
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      lookup: (_host, { all }, done) => {
        if (all) done(null, [{ address, family }])
        else done(null, address, family)
      },
      ...(ca !== undefined && { ca }),
    },
    asked.resolve,
  )
  sent.once('error', asked.reject)
  sent.end(body)
  try {
    const response = await asked.promise
    await finish(response)
    return {
      status: response.statusCode ?? 0,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], Date.now()),
    }
  } catch (cause) {
    const { name, code } = cause as NodeJS.ErrnoException
    throw new SinkUnavailable(`no answer: ${code ?? name}`, null, cause)
  }
}

/** What an answer means to all that post. */
export const judge = ({ status, retryAfterMs: asked }: Answer): 'taken' | 'refused' => {
  if (status >= 200 && status < 300) return 'taken'
  // 408, 425 and 429 are of the moment; 401, 403, 404 and 410 are of the destination, and a person can mend them.
  const mayPass = status >= 500 || status < 400 || [401, 403, 404, 408, 410, 425, 429].includes(status)
  if (mayPass) throw new SinkUnavailable(`it answered ${status}`, asked)
  return 'refused'
}

/** A destination inside of our network is not reached until its settings change, and holds back nothing but itself. */
export const asUnavailable = (error: unknown): never => {
  if (error instanceof PrivateAddress) throw new SinkUnavailable(error.message, 60_000, error)
  throw error
}
