import { type Request, Router } from 'express'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import { may } from '#services/access/permissions.ts'
import { BartizanError } from '#services/errors.ts'
import { alisProtocol, createAlisSockets, offersAlis } from '#services/http/alis-sockets.ts'
import { takeUpgrade, wantsWebSocket } from '#services/http/upgrade.ts'
import type { Session } from '#services/schema/session.ts'
import { allow, principalOf, whoAsks } from '../access/authenticate.ts'
import { refuseForeignOrigin } from '../access/own-origin.ts'
import type { ViewerContext } from '../context.ts'
import { serveViewer } from '../live/connection.ts'
import type { Watching } from '../live/hub.ts'
import { keepAsking } from '../live/watch-rights.ts'
import { parseInput, why } from './input.ts'
import { sessionOf } from './sessions.ts'

export const LiveQuery = z.strictObject({
  afterUs: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
  ...why,
})

const maxMessageBytes = 1024 // nothing is to be said here

const refuseOthers = (request: Request): void => {
  if (wantsWebSocket(request) && offersAlis(request.headers)) return
  throw new BartizanError('BTZ_REQUEST_INVALID', `live is a WebSocket with the sub-protocol ${alisProtocol}`, {
    hint: 'what is recorded already: GET …/replay/index.json',
  })
}

/** A running session as it happens. Audited, durably, before its first byte is sent. */
export const liveRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { content, live, log } = context
  const sockets = createAlisSockets(maxMessageBytes)

  /** Null: this viewer may see it still. */
  const refusalOf = async (request: Request, session: Session): Promise<string | null> => {
    const principal = await whoAsks(context, request)
    if (!principal || !may(principal.role, 'session.replay')) return 'you are not signed in any more'
    try {
      await content.stay(principal, session)
      return null
    } catch (error) {
      if (error instanceof BartizanError && error.code !== 'BTZ_UNAVAILABLE') return error.message
      throw error
    }
  }

  const serve = async (ws: WebSocket, request: Request, session: Session, afterUs: number | null): Promise<void> => {
    let watching: Watching | null = null
    const connection = serveViewer(ws, () => watching?.rejoin())
    const stopAsking = keepAsking(() => refusalOf(request, session), connection.close, log)
    void connection.closed.then(() => {
      stopAsking()
      watching?.leave()
    })
    if (session.endedAt !== null) return connection.close('ended before', 'this session has ended')
    try {
      watching = await live.watch(session, { ...connection, stop: connection.close }, afterUs)
      if (ws.readyState !== ws.OPEN) watching.leave()
    } catch (error) {
      log.warn({ err: error, sessionId: session.id }, 'live: a viewer cannot join')
      connection.close('later', error instanceof BartizanError ? error.message : 'it cannot be followed now')
    }
  }

  router.get('/api/sessions/:id/live', allow('session.replay'), async (request, response) => {
    const { afterUs = null } = parseInput(LiveQuery, request.query)
    refuseOthers(request)
    refuseForeignOrigin(request, context.publicUrl())
    const session = await sessionOf(context, request.params.id)
    if (!session.recorded) throw new BartizanError('BTZ_NOT_FOUND', 'this session was seen, but not recorded')
    await content.enter(request, response, session, { action: 'session.live' })
    if (session.endedAt === null) await live.prepare(session)
    const upgrade = takeUpgrade(request, response)
    if (!upgrade) return void response.end()
    sockets.handleUpgrade(request, upgrade.socket, upgrade.head, (ws) => void serve(ws, request, session, afterUs))
    log.info({ sessionId: session.id, by: principalOf(response).id }, 'live: somebody watches')
  })
  return router
}
