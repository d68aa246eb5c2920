import { type Response, Router } from 'express'
import { z } from 'zod'
import type { HitQuery, HitRow, SearchHit } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { searchKinds } from '#services/schema/search-query.ts'
import type { Session } from '#services/schema/session.ts'
import { TimeZone } from '#services/schema/time-zone.ts'
import { facetsOf } from '#services/search/facets.ts'
import { fields, fixedValues } from '#services/search/fields.ts'
import { hintsOf } from '#services/search/hints.ts'
import { parseQuery } from '#services/search/parse-query.ts'
import { searchSessions } from '#services/search/search-sessions.ts'
import { allow } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { commaList, instant, page, parseInput, why } from './input.ts'

const asked = {
  q: z.string().max(2_048).regex(/\S/), // as it was typed: errors say where in it
  tz: TimeZone.default('UTC'), // of dates, today and yesterday in q
  from: instant,
  to: instant,
  ...why,
}
const kinds = commaList(searchKinds)
const cursor = z.string().max(2_048).optional()
export const SearchQuery = z.strictObject({ ...asked, in: kinds, ...page, cursor })
export const SearchSessionsQuery = z.strictObject({
  ...asked,
  in: kinds,
  ...page,
  limit: page.limit.default(20),
  cursor,
})
export const FacetsQuery = z.strictObject({ ...asked, in: kinds })
const valueFields = ['user', 'host', 'bastion', 'ip'] as const
const valuedFields = [...valueFields, 'has', 'state'] as const
export const ValuesQuery = z.strictObject({ field: z.enum(valuedFields), prefix: z.string().max(256).default('') })

const Highlight = z.tuple([z.number().int(), z.number().int()])
export const Hit = z.object({
  in: z.enum(searchKinds),
  sessionId: z.string().nullable(),
  eventId: z.string().nullable(),
  atMs: z.number().nullable(), // in the session
  at: z.iso.datetime(),
  snippet: z.string(),
  highlights: z.array(Highlight), // in the snippet, UTF-16 units
  user: z.string().nullable(),
  bastion: z.string(),
})
/** Parts of `q` that were taken as text and look like a field. */
const position = z.object({ start: z.number().int(), end: z.number().int() }) // in q, UTF-16 units
export const Hints = z.array(z.object({ message: z.string(), position, instead: z.string() }))
const Counted = z.array(z.object({ value: z.string(), count: z.number().int() }))
export const FacetsAnswer = z.object({ user: Counted, host: Counted, bastion: Counted, ip: Counted })
export const FieldsAnswer = z.array(z.object({ name: z.string(), description: z.string(), example: z.string() }))
export const ValuesAnswer = z.object({ items: z.array(z.string()) })

const maxValues = 20
const facetHits = 300 // each of another session is looked up
const lookedUpAtOnce = 8

type Asked = { q: string; tz: string; cursor?: string | undefined }

const noCursor = (): BartizanError =>
  new BartizanError('BTZ_CATALOG_CURSOR', 'the page cursor is not one of ours', {
    hint: 'ask for the first page again',
  })

/** All pages of a search mean the same by `2h` and `today`: when the first one was asked for stands before its cursor. */
export const timedQuery = ({ q, tz, cursor: given }: Asked, nowMs: number) => {
  const [, since, inner] = /^([0-9]{1,15})\.(.*)$/.exec(given ?? '') ?? []
  if (given !== undefined && inner === undefined) throw noCursor()
  const atMs = since === undefined ? nowMs : Number(since)
  return {
    query: parseQuery(q, { nowMs: atMs, tz }),
    hints: hintsOf(q),
    ...(inner !== undefined && { cursor: inner }),
    next: (next: string | null) => next && `${atMs}.${next}`,
  }
}

const hitQuery = (
  { query, cursor: inner }: ReturnType<typeof timedQuery>,
  input: z.infer<typeof SearchQuery>,
): HitQuery => ({
  ...{ query, in: input.in ?? [...searchKinds], limit: input.limit },
  ...(input.from && { from: input.from }),
  ...(input.to && { to: input.to }),
  ...(inner !== undefined && { cursor: inner }),
})

const facetRow = ({ user, bastion }: HitRow, session: Session | undefined) => ({
  ...{ user, bastion },
  ...{ host: session?.target ?? null, ip: session?.sourceIp ?? null },
})

export const searchRoutes = ({ catalog, content, clock }: ViewerContext): Router => {
  const router = Router()

  const sessionsOf = async (rows: readonly HitRow[]): Promise<Map<string, Session>> => {
    const ids = [...new Set(rows.flatMap(({ sessionId }) => sessionId ?? []))]
    const found = new Map<string, Session>()
    for (let first = 0; first < ids.length; first += lookedUpAtOnce) {
      const some = await Promise.all(ids.slice(first, first + lookedUpAtOnce).map((id) => catalog.session(id)))
      for (const session of some) if (session) found.set(session.id, session)
    }
    return found
  }

  router.get('/api/search', allow('search'), async (request, response) => {
    const input = parseInput(SearchQuery, request.query)
    const timed = timedQuery(input, clock.now())
    await content.enterList(request, response, { action: 'search', object: input.q })
    const found = await catalog.search(hitQuery(timed, input))
    const sifted = await content.sift(response, found.items, (hit: SearchHit) => hit)
    response.json({ ...found, next: timed.next(found.next), ...sifted, hints: timed.hints })
  })

  router.get('/api/search/sessions', allow('search'), async (request, response) => {
    const input = parseInput(SearchSessionsQuery, request.query)
    const timed = timedQuery(input, clock.now())
    await content.enterList(request, response, { action: 'search', object: input.q })
    const found = await searchSessions(catalog, hitQuery(timed, input))
    const placeOf = ({ session }: { session: Session }) => ({
      sessionId: session.id,
      bastion: session.bastion,
      session,
    })
    const sifted = await content.sift(response, found.items, placeOf)
    response.json({ ...found, next: timed.next(found.next), ...sifted, hints: timed.hints })
  })

  const shownRows = async (response: Response, rows: readonly HitRow[]) => {
    const sessions = await sessionsOf(rows)
    const { items } = await content.sift(response, rows, (row) => {
      const session = row.sessionId === null ? undefined : sessions.get(row.sessionId)
      return { ...row, ...(session && { session }) }
    })
    return items.map((row) => facetRow(row, sessions.get(row.sessionId ?? '')))
  }

  /**
   * Over the latest hits in sessions, which are what one narrows down to, that the asker may see: a count would tell of the
   * others, too.
   */
  router.get('/api/search/facets', allow('search'), async (request, response) => {
    const input = parseInput(FacetsQuery, request.query)
    const timed = timedQuery(input, clock.now())
    await content.enterList(request, response, { action: 'search', object: input.q })
    const { rows } = await catalog.hitRows(hitQuery(timed, { ...input, limit: facetHits }))
    const inSessions = rows.filter(({ sessionId }) => sessionId !== null)
    response.json(facetsOf(await shownRows(response, inSessions)))
  })

  router.get('/api/search/fields', allow('search'), (_request, response) => {
    response.json(fields)
  })

  router.get('/api/search/values', allow('search'), async (request, response) => {
    const { field, prefix } = parseInput(ValuesQuery, request.query)
    const known = fixedValues[field]?.filter((value) => value.startsWith(prefix))
    if (known) return void response.json({ items: known })
    const one = valueFields.find((name) => name === field)!
    response.json({ items: await catalog.fieldValues({ field: one, prefix, limit: maxValues }) })
  })
  return router
}
