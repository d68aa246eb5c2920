import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { Config } from '#services/config.ts'
import { Endpoints } from '#services/schema/uplink.ts'

/** `body`: parsed JSON, or null where there is none. */
export type Answer = { status: number; body: unknown; retryAfterMs: number | null }
export type ReceiverCall = {
  method: 'POST' | 'PUT'
  path: string
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

const maxAnswerBytes = 4 * 1024 * 1024
const wildcards = ['0.0.0.0', '::']

/** Where the receiver is: configured, or the local instance, which may come back on another port. */
const findReceiver = async ({ uplink, data, http }: Config): Promise<string> => {
  if (uplink.url !== undefined) return uplink.url
  const { httpPort } = Endpoints.parse(JSON.parse(await readFile(join(data, 'endpoints.json'), 'utf8')))
  return `http://${wildcards.includes(http.host) ? '127.0.0.1' : http.host}:${httpPort}`
}
const readToken = async ({ uplink, data }: Config): Promise<string> =>
  (await readFile(uplink.tokenFile ?? join(data, 'agent', 'token'), 'utf8')).trim()

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

export const createReceiverClient = (config: Config): ReceiverClient => {
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }
  let way: { base: string; token: string } | null = null
  let isFresh = false
  let isAccepted = false

  const findWay = async (): Promise<{ base: string; token: string }> => {
    if (way && isFresh) return way
    const found = { base: await findReceiver(config), token: await readToken(config) }
    if (found.base !== way?.base || found.token !== way.token) isAccepted = false
    way = found
    isFresh = true
    return found
  }

  const send = (url: URL, bearer: string, call: ReceiverCall): Promise<IncomingMessage> =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method: call.method,
        agent: agents[secure ? 'https:' : 'http:'],
        headers: {
          authorization: `Bearer ${bearer}`,
          'content-type': call.contentType,
          'content-length': call.body.byteLength,
        },
        signal: AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]),
      })
      request.once('response', resolve)
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The receiver closed an idle connection at the very moment it was used again (http.ClientRequest.reusedSocket).
        if (request.reusedSocket && error.code === 'ECONNRESET') send(url, bearer, call).then(resolve, reject)
        else reject(error)
      })
      request.end(call.body)
    })

  return {
    call: async (call) => {
      const { base, token } = await findWay()
      return readAnswer(await send(new URL(call.path, base), token, call))
    },
    lookAgain: () => {
      isFresh = false
    },
    get isAccepted() {
      return isAccepted
    },
    accepted: () => {
      isAccepted = true
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}
