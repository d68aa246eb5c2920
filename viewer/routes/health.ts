import { Router } from 'express'
import { allow, authenticate } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'

export type HealthContext = Pick<ViewerContext, 'ready' | 'metrics' | 'tokens' | 'browserSessions' | 'clock'>

export const healthRoutes = (context: HealthContext): Router => {
  const router = Router()
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  router.get('/readyz', (_request, response) => {
    response.status(context.ready() ? 200 : 503).json({ status: context.ready() ? 'ready' : 'starting' })
  })
  router.get('/metrics', authenticate(context), allow('metrics.read'), async (_request, response) => {
    const { contentType, text } = await context.metrics()
    response.type(contentType).send(text)
  })
  return router
}
