import { Router } from 'express'
import { z } from 'zod'
import { type EventKind, eventKinds } from '#services/schema/session-event.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { commaList, instant, page, parseInput, text, word } from './input.ts'

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
})
export const SearchQuery = z.strictObject({
  q: z.string().trim().min(1).max(512),
  in: commaList(['commands', 'events'] as const),
  from: instant,
  to: instant,
  ...page,
})

export const eventRoutes = (context: ViewerContext): Router => {
  const router = Router()

  router.get('/api/events', allow('event.list'), async (request, response) => {
    const { kind, q, ...query } = parseInput(EventsQuery, request.query)
    await context.audit({
      principal: principalOf(response),
      action: 'event.list',
      object: q,
      sourceIp: request.ip,
      repeats: true,
    })
    response.json(await context.catalog.events({ ...query, ...(kind && { kinds: kind }), ...(q && { text: q }) }))
  })

  router.get('/api/search', allow('search'), async (request, response) => {
    const { q, in: where, ...query } = parseInput(SearchQuery, request.query)
    await context.audit({
      principal: principalOf(response),
      action: 'search',
      object: q,
      sourceIp: request.ip,
      repeats: true,
    })
    response.json(await context.catalog.search({ ...query, text: q, in: where ?? ['commands', 'events'] }))
  })
  return router
}
