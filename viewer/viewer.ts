import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler, Router } from 'express'
import helmet from 'helmet'
import { BartizanError } from '#services/errors.ts'
import { authenticate } from './access/authenticate.ts'
import type { ViewerContext } from './context.ts'
import { openApi } from './openapi.ts'
import { accessRoutes, signInRoutes } from './routes/access.ts'
import { agentRoutes } from './routes/agents.ts'
import { alertRoutes } from './routes/alerts.ts'
import { approvalRoutes } from './routes/approvals.ts'
import { coverageRoutes } from './routes/coverage.ts'
import { custodyRoutes } from './routes/custody.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { liveRoutes } from './routes/live.ts'
import { logRoutes } from './routes/log.ts'
import { recordingRoutes } from './routes/recordings.ts'
import { replayRoutes } from './routes/replay.ts'
import { ruleRoutes } from './routes/rules.ts'
import { searchRoutes } from './routes/search.ts'
import { searchesRoutes } from './routes/searches.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { sharedRoutes } from './routes/shared.ts'
import { shareRoutes } from './routes/shares.ts'
import { statementRoutes } from './routes/statements.ts'
import { suppressionRoutes } from './routes/suppressions.ts'
import { userRoutes } from './routes/users.ts'

const consoleFolder = fileURLToPath(new URL('./web/dist', import.meta.url))

/** The player brings its terminal as WebAssembly inside its script; nothing is loaded from anywhere else. */
const headers = (): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", 'data:'],
        workerSrc: ["'self'", 'blob:'],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // The instance speaks HTTP on loopback; a TLS proxy in front of it sets this header itself.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  })

/** The console is one page; its script shows what the path asks for. */
const consoleFiles = (): Router => {
  const router = Router()
  if (!existsSync(consoleFolder)) return router
  router.use(
    '/assets',
    express.static(`${consoleFolder}/assets`, { immutable: true, maxAge: '1y', fallthrough: false }),
  )
  router.use(express.static(consoleFolder, { index: false }))
  router.get(/^\/(?!api\/).*/, (_request, response) => {
    response.setHeader('Cache-Control', 'no-cache')
    response.sendFile('index.html', { root: consoleFolder })
  })
  return router
}

const allRoutes = [
  sessionRoutes,
  recordingRoutes,
  liveRoutes,
  replayRoutes,
  shareRoutes,
  eventRoutes,
  searchRoutes,
  alertRoutes,
  ruleRoutes,
  suppressionRoutes,
  searchesRoutes,
  userRoutes,
  approvalRoutes,
  custodyRoutes,
  coverageRoutes,
  statementRoutes,
  logRoutes,
  agentRoutes,
  accessRoutes,
]

/** Everything people and their programs read; mounted beside the receiver on one port. */
export const createViewer = (context: ViewerContext): Router => {
  const router = Router()
  router.use(headers())
  router.use(healthRoutes(context))
  router.use('/api', express.json({ limit: '64kb' }))
  router.use(signInRoutes(context))
  router.use(sharedRoutes(context))
  router.get('/api/openapi.json', (_request, response) => {
    response.json(openApi(context.publicUrl()))
  })
  router.use('/api', authenticate(context))
  for (const routes of allRoutes) router.use(routes(context))
  router.use('/api', (request) => {
    throw new BartizanError('BTZ_NOT_FOUND', `there is no ${request.method} ${request.baseUrl}${request.path}`, {
      hint: 'the contract is at /api/openapi.json',
    })
  })
  router.use(consoleFiles())
  return router
}
