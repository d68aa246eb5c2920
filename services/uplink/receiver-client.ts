import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { readCredentials } from '../agents/credentials.ts'
import type { Config } from '../config.ts'
import { BartizanError } from '../errors.ts'
import { uplinkProtocol } from '../schema/agent-status.ts'
import { Endpoints } from '../schema/uplink.ts'
import { protocolHeader } from '../schema/uplink-protocol.ts'

/** `body`: parsed JSON, or null where there is none. */
export type Answer = { status: number; body: unknown; retryAfterMs: number | null }
export type ReceiverCall = {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  headers?: Record<string, string>
  contentType: string
  body: Uint8Array
  timeoutMs: number
  signal: AbortSignal
}

/** Speaks HTTP to the receiver, wherever it is at the moment. */
export type ReceiverClient = {
  /** @throws when there is no answer: no receiver, no token, a broken connection, the time limit, `signal` */
  call(call: ReceiverCall): Promise<Answer>
  /** The next call looks again where the receiver is and which token to use. */
  lookAgain(): void
  /** The receiver takes this agent, with this token, for its bastion: a heartbeat of it was answered. */
  readonly isAccepted: boolean
  accepted(): void
  close(): void
}

// `import` from node:http reads every name of it, WebSocket too, and with that Node loads all of fetch: megabytes of an agent at rest.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http')

const freshMs = 30_000 // another certificate or token is used after that, at the latest
const lastAnswersMs = 30_000
const connectLimitMs = 8_000 // a cut link: TCP itself asks ever more rarely (RFC 6298, 5.5), a new connection begins anew
const maxAnswerBytes = 4 * 1024 * 1024
const wildcards = ['0.0.0.0', '::']

/** `secret`: what proves who we are, a token or a certificate with its key. `tls`: for https, else unused. */
type Way = { base: string; secret: string; headers: Record<string, string>; tls: SecureContextOptions }

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(host)

/** The local instance, which may come back on another port. */
const findLocal = async ({ data, http }: Config): Promise<string> => {
  const { httpPort } = Endpoints.parse(JSON.parse(await readFile(join(data, 'endpoints.json'), 'utf8')))
  return `http://${wildcards.includes(http.host) ? '127.0.0.1' : http.host}:${httpPort}`
}
const readToken = async ({ uplink, data }: Config): Promise<string> =>
  (await readFile(uplink.tokenFile ?? join(data, 'agent', 'token'), 'utf8')).trim()

/** A token in clear is everybody's on the way. @throws BTZ_CONFIG_INVALID */
const checked = (base: string): string => {
  const { protocol, hostname } = new URL(base)
  if (protocol === 'https:' || isLoopback(hostname)) return base
  throw new BartizanError('BTZ_CONFIG_INVALID', `uplink.url ${base} is plain HTTP to another machine`, {
    hint: 'use https, or enrol this agent: `bartizan agents enrol-code` on the server prints the command',
  })
}
/** Configured, or as enrolled, or the local instance. */
const findWayOf = async (config: Config): Promise<Way> => {
  const { uplink, data } = config
  const enrolled = uplink.url === undefined ? await readCredentials(data) : null
  if (enrolled) {
    const { url, ca, key, certificate } = enrolled
    return { base: checked(url), secret: key, headers: {}, tls: { ca, key, cert: certificate, minVersion: 'TLSv1.3' } }
  }
  const base = uplink.url === undefined ? await findLocal(config) : checked(uplink.url)
  const token = await readToken(config)
  const tls = uplink.caFile === undefined ? {} : { ca: await readFile(uplink.caFile, 'utf8') }
  return { base, secret: token, headers: { authorization: `Bearer ${token}` }, tls }
}

const retryAfterMs = (header: string | undefined): number | null => {
  const seconds = Number(header)
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 300) * 1000 : null
}

const readAnswer = async (response: IncomingMessage): Promise<Answer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > maxAnswerBytes) throw new Error('the answer of the receiver is too long')
    chunks.push(chunk)
  }
  let body: unknown = null
  try {
    body = JSON.parse(Buffer.concat(chunks).toString())
  } catch {} // an answer without JSON is judged by its status
  return { status: response.statusCode ?? 0, body, retryAfterMs: retryAfterMs(response.headers['retry-after']) }
}

const openAgents = (tls: SecureContextOptions) => ({
  'http:': new HttpAgent({ keepAlive: true }),
  'https:': new HttpsAgent({ keepAlive: true, ...tls }),
})
const closeAgents = (agents: ReturnType<typeof openAgents>): void => {
  for (const agent of Object.values(agents)) agent.destroy()
}

export const createReceiverClient = (config: Config): ReceiverClient => {
  let agents = openAgents({})
  let way: Way | null = null
  let freshUntilMs = Number.NEGATIVE_INFINITY
  let isAccepted = false

  const findWay = async (): Promise<Way> => {
    if (way && performance.now() < freshUntilMs) return way
    const found = await findWayOf(config)
    if (found.base !== way?.base || found.secret !== way.secret || found.tls.ca !== way.tls.ca) {
      isAccepted = false
      const old = agents
      agents = openAgents(found.tls)
      // Answers that are on their way still come: the others' connections are idle, and close.
      setTimeout(() => closeAgents(old), lastAnswersMs).unref()
    }
    way = found
    freshUntilMs = performance.now() + freshMs
    return found
  }

  const send = (url: URL, headers: Way['headers'], call: ReceiverCall): Promise<IncomingMessage> =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method: call.method,
        agent: agents[secure ? 'https:' : 'http:'],
        headers: {
          ...headers,
          ...call.headers,
          [protocolHeader]: String(uplinkProtocol),
          'content-type': call.contentType,
          'content-length': call.body.byteLength,
        },
        signal: AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]),
      })
      request.once('socket', (socket) => {
        if (!socket.connecting) return
        const timer = setTimeout(() => request.destroy(new Error('no connection came about')), connectLimitMs)
        socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(timer))
        request.once('close', () => clearTimeout(timer))
      })
      request.once('response', resolve)
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The receiver closed an idle connection at the very moment it was used again (http.ClientRequest.reusedSocket).
        if (request.reusedSocket && error.code === 'ECONNRESET') send(url, headers, call).then(resolve, reject)
        else reject(error)
      })
      request.end(call.body)
    })

  return {
    call: async (call) => {
      const { base, headers } = await findWay()
      return readAnswer(await send(new URL(call.path, base), headers, call))
    },
    lookAgain: () => {
      freshUntilMs = Number.NEGATIVE_INFINITY
    },
    get isAccepted() {
      return isAccepted
    },
    accepted: () => {
      isAccepted = true
    },
    close: () => closeAgents(agents),
  }
}
