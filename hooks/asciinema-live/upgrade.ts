import type { IncomingHttpHeaders } from 'node:http'
import { alisProtocol, offersAlis } from '#services/http/alis-sockets.ts'

/** Why a connection is refused before it becomes a WebSocket. 400 is the one at which asciinema stops trying. */
export type Refusal = { status: 400 | 401 | 403 | 404 | 405 | 429 | 503; text: string; retryAfterSeconds?: number }

const path = /^\/ws\/([A-Za-z0-9_-]{43})$/

/** The secret that a request to stream carries, which asciinema can send in the path alone; or why it is none. */
export const secretOf = (request: {
  method?: string | undefined
  url?: string | undefined
  headers: IncomingHttpHeaders
}): { secret: string } | Refusal => {
  const { method, url = '', headers } = request
  if (method !== 'GET') return { status: 405, text: 'a stream begins with GET' }
  // A page of any site may open WebSockets to loopback: only browsers send Origin, and no browser streams (RFC 6455, 10.2).
  if (headers.origin !== undefined) return { status: 403, text: 'browsers do not stream to this address' }
  const secret = path.exec(url)?.[1]
  if (secret === undefined) return { status: 404, text: 'streams come to /ws/KEY' }
  if (!offersAlis(headers)) return { status: 400, text: `only the sub-protocol ${alisProtocol} is spoken here` }
  return { secret }
}

const phrases: Readonly<Record<Refusal['status'], string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
}

/** The answer as it goes over the wire: of the request, nothing is in it. */
export const refusalText = ({ status, text, retryAfterSeconds }: Refusal): string =>
  [
    `HTTP/1.1 ${status} ${phrases[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
    ...(retryAfterSeconds === undefined ? [] : [`Retry-After: ${retryAfterSeconds}`]),
    '',
    `${text}\n`,
  ].join('\r\n')
