import { createServer, type Server } from 'node:http'
import express, { type Router } from 'express'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { problemHandler } from '#services/http/problem.ts'
import type { Logger } from '#services/log.ts'

export type Served = { httpPort: number; close(): void }

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new BartizanError('BTZ_PORT_IN_USE', `the console cannot listen on ${host}:${port}: ${cause.message}`, {
          hint: 'stop what listens there, or choose another with BARTIZAN_HTTP_PORT (0 = any free port)',
          cause,
        }),
      )
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })

/** The routers of a process's stages on its one port. @throws BTZ_PORT_IN_USE */
export const serve = async (config: Config, log: Logger, routers: Router[]): Promise<Served> => {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  for (const router of routers) app.use(router)
  app.use(problemHandler(log))
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 15_000 }, app)
  const httpPort = await listen(server, config.http.host, config.http.port)
  return {
    httpPort,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
