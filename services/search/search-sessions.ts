import { z } from 'zod'
import { type CatalogReader, type HitQuery, type HitRow, maxHitRows, type SearchHit } from '../catalog/catalog.ts'
import { decodeCursor, encodeCursor } from '../catalog/cursor.ts'
import type { List, Session } from '../schema/session.ts'

/** Hits by session: that with the newest hit first. */

export type SessionHits = { session: Session; hits: SearchHit[]; hitCount: List<SearchHit>['total'] }
type Reader = Pick<CatalogReader, 'search' | 'session' | 'hitRows'>

const maxHits = 5

/**
 * Where a page ended. `ceilingMs`: what came later is in no page, so that none moves. `windowMs`: hits up to then are
 * looked at, as many as are looked at together; behind them begins the next window.
 */
const Place = z.object({ ceilingMs: z.int(), windowMs: z.int(), atMs: z.int().nullable(), id: z.string().max(64) })
type Place = z.infer<typeof Place>

type Newest = { id: string; atMs: number }

/** The sessions of hits that come newest first, each with its newest. */
const sessionsIn = (rows: readonly HitRow[]): Newest[] => {
  const newest = new Map<string, number>()
  for (const { sessionId, atMs } of rows) if (sessionId !== null && !newest.has(sessionId)) newest.set(sessionId, atMs)
  const found = [...newest].map(([id, atMs]) => ({ id, atMs }))
  return found.sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1))
}

const isBehind = ({ id, atMs }: Newest, place: Place): boolean =>
  place.atMs === null || atMs < place.atMs || (atMs === place.atMs && id > place.id)

const withHits = async (
  catalog: Reader,
  query: HitQuery,
  { id }: Newest,
  ceilingMs: number,
): Promise<SessionHits | null> => {
  const { cursor: _, ...asked } = query
  const [session, found] = await Promise.all([
    catalog.session(id),
    catalog.search({ ...asked, sessionId: id, to: new Date(ceilingMs), limit: maxHits }),
  ])
  if (session === null || found.items.length === 0) return null
  return { session, hits: found.items.toReversed(), hitCount: found.total }
}

const newestMs = ({ hits }: SessionHits): number => Math.max(...hits.map(({ at }) => Date.parse(at)))

type Window = { sessions: Newest[]; isAll: boolean; newestMs: number; oldestMs: number }

const windowAt = async (catalog: Reader, query: HitQuery, upToMs: number): Promise<Window> => {
  const { cursor: _, ...asked } = query
  const { rows, isAll } = await catalog.hitRows({ ...asked, to: new Date(upToMs), limit: maxHitRows })
  const times = rows.map(({ atMs }) => atMs)
  return { sessions: sessionsIn(rows), isAll, newestMs: times[0] ?? upToMs, oldestMs: times.at(-1) ?? upToMs }
}

/** The next window begins where this one ended; a millisecond with more hits than a window has is not gone through. */
const behindWindow = (place: Place, { oldestMs }: Window): Place => ({
  ...place,
  windowMs: oldestMs < place.windowMs ? oldestMs : oldestMs - 1,
})

const together = 8

/** `limit` of them, and where to go on. Of sessions that a window before had, the newest hit is above this one. */
const pageOf = async (catalog: Reader, query: HitQuery, from: Place, firstWindow: Window) => {
  const items: SessionHits[] = []
  let [place, window] = [from, firstWindow]
  for (;;) {
    const waiting = window.sessions.filter((one) => isBehind(one, place))
    while (waiting.length > 0 && items.length < query.limit) {
      const next = waiting.splice(0, Math.min(together, query.limit - items.length))
      const found = await Promise.all(next.map((one) => withHits(catalog, query, one, place.ceilingMs)))
      items.push(...found.filter((one) => one !== null).filter((one) => newestMs(one) <= place.windowMs))
      place = { ...place, atMs: next.at(-1)!.atMs, id: next.at(-1)!.id }
    }
    if (waiting.length > 0) return { items, next: place }
    if (window.isAll) return { items, next: null }
    place = behindWindow(place, window)
    if (items.length >= query.limit) return { items, next: place }
    window = await windowAt(catalog, query, place.windowMs)
  }
}

const endOfTimeMs = Date.UTC(9999, 11, 31)

/** Hits (the newest five, in order of time) by session. The total is exact where there are no more than maxHitRows hits. */
export const searchSessions = async (catalog: Reader, query: HitQuery): Promise<List<SessionHits>> => {
  const known = decodeCursor('search-sessions', query, Place)
  const whole = await windowAt(catalog, query, known?.ceilingMs ?? query.to?.getTime() ?? endOfTimeMs)
  const first = { ceilingMs: whole.newestMs, windowMs: whole.newestMs, atMs: null, id: '' }
  const place = known ?? first
  const window = place.windowMs === place.ceilingMs ? whole : await windowAt(catalog, query, place.windowMs)
  const { items, next } = await pageOf(catalog, query, place, window)
  return {
    items,
    next: next && encodeCursor('search-sessions', query, next),
    total: { value: whole.sessions.length, relation: whole.isAll ? 'eq' : 'gte' },
  }
}
