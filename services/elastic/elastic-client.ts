import { readFileSync } from 'node:fs'
import { Client, type ClientOptions, errors } from '@elastic/elasticsearch'
import type { Config } from '../config.ts'
import { BartizanError, type ErrorCode } from '../errors.ts'

const requestMs = 30_000 // a bulk request may have to wait for a new month's index
const maxPending = 1_000

export type ElasticConfig = Config['elasticsearch']

export type ElasticRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  query?: Record<string, string | number | boolean>
  body?: object | string // JSON
  ndjson?: string | Buffer
  timeoutMs?: number
  /** What a timeout is called; else BTZ_UNAVAILABLE. */
  onTimeout?: ErrorCode
  /** Statuses that are an answer and no failure. */
  accept?: readonly number[]
}
export type ElasticAnswer<Body> = { status: number; body: Body }

export type Elastic = {
  readonly config: ElasticConfig
  /** @throws BTZ_UNAVAILABLE BTZ_PAYLOAD_TOO_LARGE BTZ_INTERNAL; never with anything of what was sent */
  request<Body>(request: ElasticRequest): Promise<ElasticAnswer<Body>>
  /** Waits for what is under way; later requests are refused. */
  close(): Promise<void>
}

const secretIn = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new BartizanError('BTZ_CONFIG_INVALID', `elasticsearch: ${file} cannot be read (${code})`)
  }
}

const authOf = ({ username, passwordFile, apiKeyFile }: ElasticConfig): Pick<ClientOptions, 'auth'> => {
  if (apiKeyFile !== undefined) return { auth: { apiKey: secretIn(apiKeyFile) } }
  if (username === undefined) return {}
  if (passwordFile !== undefined) return { auth: { username, password: secretIn(passwordFile) } }
  throw new BartizanError('BTZ_CONFIG_INVALID', 'elasticsearch: a username without a password', {
    hint: 'set elasticsearch.passwordFile',
  })
}

const optionsOf = (config: ElasticConfig): ClientOptions => ({
  nodes: config.nodes,
  ...authOf(config),
  ...(config.caFile !== undefined && { tls: { ca: secretIn(config.caFile) } }),
  compression: false,
  requestTimeout: requestMs,
  maxRetries: 0, // a write that was lost on the way may have been done: who asked decides
  enableMetaHeader: false,
})

const unavailable = (message: string, hint: string): BartizanError =>
  new BartizanError('BTZ_UNAVAILABLE', message, { hint })

type ErrorBody = { error?: { type?: unknown } | string }

/** The kind of failure alone: reasons quote documents. */
const typeOf = (body: unknown): string => {
  const error = (body as ErrorBody | null | undefined)?.error
  return typeof error === 'object' && typeof error.type === 'string' ? error.type : 'no reason given'
}

const refusal = (error: errors.ResponseError, what: string): BartizanError => {
  const status = error.statusCode ?? 0
  const said = `Elasticsearch refuses ${what}: ${status} ${typeOf(error.body)}`
  if (status === 413) return new BartizanError('BTZ_PAYLOAD_TOO_LARGE', said)
  if (status === 401 || status === 403) return unavailable(said, 'check the credentials and privileges')
  if (status === 429 || status >= 500) return unavailable(said, 'look at the health and the disks of the cluster')
  return new BartizanError('BTZ_INTERNAL', said)
}

/** The client's own errors carry the request with all it sent: none of them leaves this file. */
const ours = (error: unknown, what: string, onTimeout: ErrorCode | undefined): BartizanError => {
  if (error instanceof errors.ResponseError) return refusal(error, what)
  if (error instanceof errors.TimeoutError && onTimeout !== undefined)
    return new BartizanError(onTimeout, 'the query took longer than its limit', {
      hint: 'narrow it down by time, user or bastion',
    })
  const name = error instanceof Error ? error.name : 'unknown error'
  return unavailable(`Elasticsearch does not answer ${what}: ${name}`, 'check elasticsearch.nodes and the network')
}

/** One connection pool to the cluster. @throws BTZ_CONFIG_INVALID */
export const connectElastic = (config: ElasticConfig): Elastic => {
  const client = new Client(optionsOf(config))
  const pending = new Set<Promise<unknown>>()
  let isClosed = false

  const send = async <Body>(asked: ElasticRequest): Promise<ElasticAnswer<Body>> => {
    const { method, path, query, body, ndjson, timeoutMs, onTimeout, accept = [] } = asked
    try {
      const { statusCode, body: answered } = await client.transport.request<Body>(
        {
          method,
          path,
          ...(query && { querystring: query }),
          ...(body !== undefined && { body }),
          ...(ndjson !== undefined && { bulkBody: ndjson }),
        },
        { meta: true, ignore: [...accept], requestTimeout: timeoutMs ?? requestMs },
      )
      return { status: statusCode ?? 0, body: answered }
    } catch (error) {
      throw ours(error, `${method} ${path}`, onTimeout)
    }
  }

  return {
    config,
    request: async <Body>(asked: ElasticRequest) => {
      if (isClosed) throw unavailable('the connection to Elasticsearch is closed', 'start the process again')
      if (pending.size >= maxPending)
        throw unavailable(`${maxPending} requests to Elasticsearch wait already`, 'try again later')
      const sent = send<Body>(asked)
      pending.add(sent)
      try {
        return await sent
      } finally {
        pending.delete(sent)
      }
    },
    close: async () => {
      isClosed = true
      await Promise.allSettled(pending)
      await client.close()
    },
  }
}
