import { IncomingMessage, ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import express, { type Express, type Router } from 'express'
import type { Config } from '#services/config.ts'
import { listen } from '#services/http/listen.ts'
import { problemHandler } from '#services/http/problem.ts'
import type { Logger } from '#services/log.ts'
import type { ServerCertificate } from '#services/pki/server-certificate.ts'
import { expressOverHttp2 } from './express-over-http2.ts'

const maxConnections = 8_192
const idleMs = 60_000 // beyond the longest answer that is held open
const limits = {
  handshakeTimeout: 10_000,
  requestTimeout: 60_000,
  headersTimeout: 15_000,
  settings: { maxConcurrentStreams: 32, maxHeaderListSize: 16_384 },
}

export type TlsOptions = {
  config: Pick<Config['receiver'], 'port'> & { host: string }
  what: string // for messages
  setting: string // of the port
  /** PEM: of the authority that vouches for agents, and for us. */
  ca: string
  /** Asked at the start, and then so often. */
  certificate: () => Promise<ServerCertificate & { isNew: boolean }>
  certificateEveryMs: number
  router: Router
  log: Logger
}
export type ServedTls = { port: number; close(): void }

const prepared = (app: Express, { router, log }: TlsOptions): Express => {
  app.disable('x-powered-by')
  app.set('etag', false)
  return app.use(router).use(problemHandler(log))
}

/** The chain holds the authority's own certificate too, so that an agent that knows its fingerprint gets all of it. */
const contextOf = ({ key, certificate }: ServerCertificate, { ca }: TlsOptions) => ({
  key,
  cert: certificate + ca,
  ca,
  minVersion: 'TLSv1.3' as const,
})

/**
 * HTTPS for agents: HTTP/2 and HTTP/1.1. Whether a certificate is needed, and whose it is, is decided per request: a refusal
 * then has a reason. @throws BTZ_PORT_IN_USE BTZ_CERTIFICATE
 */
export const serveTls = async (options: TlsOptions): Promise<ServedTls> => {
  const { config, log } = options
  const [first, second] = [prepared(express(), options), prepared(expressOverHttp2(), options)]
  const asked = { requestCert: true, rejectUnauthorized: false, allowHTTP1: true }
  const server = createSecureServer({
    ...contextOf(await options.certificate(), options),
    ...asked,
    ...limits,
  })
  // With allowHTTP1 what comes over HTTP/1.1 is of node:http, which the types do not say.
  server.on(
    'request',
    (request: Http2ServerRequest | IncomingMessage, response: Http2ServerResponse | ServerResponse) => {
      if (request instanceof IncomingMessage && response instanceof ServerResponse) first(request, response)
      else Reflect.apply(second, null, [request, response])
    },
  )
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', (err: Error) => log.debug({ err }, 'a TLS connection did not come about'))
  server.on('sessionError', (err: Error) => log.debug({ err }, 'an HTTP/2 connection was cut'))
  server.setTimeout(idleMs)
  server.maxConnections = maxConnections

  const renew = async (): Promise<void> => {
    const certificate = await options.certificate()
    if (!certificate.isNew) return
    server.setSecureContext(contextOf(certificate, options))
    log.info(`${options.what} has a new certificate`)
  }
  const timer = setInterval(() => {
    renew().catch((err: unknown) => log.error({ err }, `the certificate of ${options.what} was not renewed`))
  }, options.certificateEveryMs)
  timer.unref()
  const address = { host: config.host, port: config.port }
  const port = await listen(server, { what: options.what, ...address, setting: options.setting })
  return {
    port,
    close: () => {
      clearInterval(timer)
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
