import { createServer } from 'node:http'
import express, { type Router } from 'express'
import type { Config } from '#services/config.ts'
import { listen } from '#services/http/listen.ts'
import { problemHandler } from '#services/http/problem.ts'
import { serveUpgrades, wantsWebSocket } from '#services/http/upgrade.ts'
import type { Logger } from '#services/log.ts'

export type Served = { httpPort: number; close(): void }

/** The routers of a process's stages on its one port. @throws BTZ_PORT_IN_USE */
export const serve = async (config: Config, log: Logger, routers: Router[]): Promise<Served> => {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  for (const router of routers) app.use(router)
  app.use(problemHandler(log))
  const timeouts = { requestTimeout: 60_000, headersTimeout: 15_000 }
  const server = createServer({ ...timeouts, shouldUpgradeCallback: wantsWebSocket }, app)
  serveUpgrades(server, app)
  const httpPort = await listen(server, { what: 'the console', ...config.http, setting: 'BARTIZAN_HTTP_PORT' })
  return {
    httpPort,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
