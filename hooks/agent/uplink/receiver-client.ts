import { readFile } from 'node:fs/promises'
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
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
  let base: string | null = null
  let token: string | null = null

  const send = (url: URL, bearer: string, { method, contentType, body, timeoutMs, signal }: ReceiverCall) =>
    new Promise<{ response: IncomingMessage; request: ClientRequest }>((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const request = (secure ? httpsRequest : httpRequest)(url, {
        method,
        agent: agents[secure ? 'https:' : 'http:'],
        headers: {
          authorization: `Bearer ${bearer}`,
          'content-type': contentType,
          'content-length': body.byteLength,
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      request.once('response', (response) => resolve({ response, request }))
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The receiver closed an idle connection at the very moment it was used again (http.ClientRequest.reusedSocket).
        if (request.reusedSocket && error.code === 'ECONNRESET') send(url, bearer, fresh).then(resolve, reject)
        else reject(error)
      })
      const fresh: ReceiverCall = { method, path: url.pathname, contentType, body, timeoutMs, signal }
      request.end(body)
    })

  return {
    call: async (call) => {
      try {
        base ??= await findReceiver(config)
        token ??= await readToken(config)
        const { response } = await send(new URL(call.path, base), token, call)
        const answer = await readAnswer(response)
        if (answer.status === 401 || answer.status === 403 || answer.status === 404) base = token = null
        return answer
      } catch (error) {
        base = token = null
        throw error
      }
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}
