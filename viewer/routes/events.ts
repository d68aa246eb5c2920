import { Router } from 'express'
import { z } from 'zod'
import { type EventKind, eventKinds, type SessionEvent } from '#services/schema/session-event.ts'
import { allow } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { commaList, instant, page, parseInput, text, why, word } from './input.ts'

export const EventsQuery = z.strictObject({
  kind: commaList<EventKind>(eventKinds),
  q: text,
  from: instant,
  to: instant,
  sessionId: word,
  user: word,
  bastion: word,
  sourceIp: word,
  target: word,
  outcome: z.enum(['success', 'failure']).optional(),
  ...page,
  ...why,
})

/** What was done inside of a session; all else tells that somebody came, went, or is not well. */
const contentKinds: readonly EventKind[] = ['command', 'file_transfer']
const contentOf = (event: SessionEvent) => (contentKinds.includes(event.kind) ? event : null)

export const eventRoutes = ({ catalog, content }: ViewerContext): Router => {
  const router = Router()

  router.get('/api/events', allow('event.list'), async (request, response) => {
    const { kind, q, reason: _, ...query } = parseInput(EventsQuery, request.query)
    await content.enterList(request, response, { action: 'event.list', object: q })
    const found = await catalog.events({ ...query, ...(kind && { kinds: kind }), ...(q && { text: q }) })
    // Asked for by its words, anything tells what it holds.
    const placeOf = q ? (event: SessionEvent) => event : contentOf
    response.json({ ...found, ...(await content.sift(response, found.items, placeOf)) })
  })
  return router
}
