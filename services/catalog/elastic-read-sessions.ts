import type { SearchQuery } from '../schema/search-query.ts'
import type { List, Session } from '../schema/session.ts'
import { hasText } from '../search/hit-tree.ts'
import type { ErasureState, SessionQuery, SessionRow } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type Answer, type Ask, between, equals, type Search, totalOf } from './elastic-ask.ts'
import { erasureId } from './elastic-erase.ts'
import { sealId } from './elastic-evidence.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { readLogins } from './elastic-read-logins.ts'
import { type Joined, joinQuery, maxJoined, type StartPlace, upTo } from './elastic-session-join.ts'
import { type EvidenceFacts, SessionPlace, sessionOf } from './session-page.ts'

type Stored = { row: string; commandCount: number }
const stored = ['row', 'commandCount']
const order = [
  { startedAt: { order: 'desc', unmapped_type: 'date' } },
  { id: { order: 'asc', unmapped_type: 'keyword' } },
]

/** By id, so at once. */
const readFacts = async (ask: Ask, { evidence }: CatalogIndices, ids: readonly string[]): Promise<EvidenceFacts[]> => {
  const found = await ask.get<{ erasure: ErasureState }>(
    ids.flatMap((id) => [
      { _index: evidence, _id: sealId(id), _source: false as const },
      { _index: evidence, _id: erasureId(id), _source: ['erasure'] },
    ]),
  )
  return ids.map((_, at) => ({ isSealed: found[2 * at] !== null, erasure: found[2 * at + 1]?.erasure ?? null }))
}

export const readSession = async (ask: Ask, indices: CatalogIndices, id: string): Promise<Session | null> => {
  const [[session], [facts]] = await Promise.all([
    ask.get<Stored>([{ _index: indices.sessions, _id: id, _source: stored }]),
    readFacts(ask, indices, [id]),
  ])
  if (!session) return null
  const row = JSON.parse(session.row) as SessionRow
  const [login = null] = await readLogins(ask, indices, [row])
  return sessionOf(row, session.commandCount, facts!, login)
}

/** With what others know of them. */
const completed = async (ask: Ask, indices: CatalogIndices, rows: readonly Row[]): Promise<Session[]> => {
  const ids = rows.map(({ hit }) => String(hit.sort[1]))
  const sessions = rows.map(({ hit }) => JSON.parse(hit._source.row) as SessionRow)
  const [facts, logins] = await Promise.all([readFacts(ask, indices, ids), readLogins(ask, indices, sessions)])
  return rows.map(({ hit: { _source } }, at) => sessionOf(sessions[at]!, _source.commandCount, facts[at]!, logins[at]!))
}

const filtersOf = (query: SessionQuery): object[] => [
  ...equals('user', query.user),
  ...equals('bastion', query.bastion),
  ...equals('sourceIp', query.sourceIp),
  ...equals('state', query.state),
  ...equals('connectionId', query.connectionId),
  ...equals('parentId', query.parentId),
  ...between('startedAt', undefined, query.to),
  ...(query.from ? [endedSince(query.from)] : []),
]
const endedSince = (from: Date): object => ({
  bool: {
    should: [{ bool: { must_not: [{ exists: { field: 'endedAt' } }] } }, ...between('endedAt', from, undefined)],
  },
})
const openAt = (closings: number): object => ({
  bool: {
    should: [{ bool: { must_not: [{ exists: { field: 'closing' } }] } }, { range: { closing: { gt: closings } } }],
  },
})
const closedAt = (closings: number): object => ({ range: { closing: { lte: closings } } })

const closingsNow = async (ask: Ask, { sessions }: CatalogIndices): Promise<number> => {
  const aggs = { last: { max: { field: 'closing' } } }
  const { aggregations } = await ask.search(sessions, { size: 0, query: { match_all: {} }, aggs })
  return (aggregations as { last?: { value: number | null } }).last?.value ?? 0
}

type Section = { open: boolean; joined: Joined; after: StartPlace | null }

const searchOf = (section: Section, closings: number, filters: object[], limit: number): Search => {
  const { open, joined, after } = section
  const filter = [...filters, ...joined.filters, ...upTo(joined.horizon), open ? openAt(closings) : closedAt(closings)]
  return {
    size: limit + 1,
    query: { bool: { filter } },
    sort: order,
    _source: stored,
    ...(after && { search_after: [after.startedAtMs, after.id] }),
  }
}

type Row = { hit: Answer<Stored>['hits'][number]; open: boolean }
type Page = { rows: Row[]; next: Omit<SessionPlace, 'closings'> | null }

const placeOf = ({ hit: { sort }, open }: Row): Page['next'] => ({
  open,
  startedAtMs: Number(sort[0]),
  id: String(sort[1]),
})

/** The sections one after another, until the page is full or one ends at a horizon: behind it is the next page. */
const pageOf = (sections: readonly Section[], answers: readonly Answer<Stored>[], limit: number): Page => {
  const rows: Row[] = []
  for (const [at, { open, joined }] of sections.entries()) {
    rows.push(...answers[at]!.hits.map((hit) => ({ hit, open })))
    if (rows.length > limit) return { rows: rows.slice(0, limit), next: placeOf(rows[limit - 1]!) }
    if (joined.horizon) return { rows, next: { open, ...joined.horizon } }
  }
  return { rows, next: null }
}

const everySession: SearchQuery = { is: 'all', of: [] }

/** Open sessions first, then by start, newest first. `limit`: of sessions that are looked at for one text. */
export const readSessions = async (
  ask: Ask,
  indices: CatalogIndices,
  query: SessionQuery,
  limit = maxJoined,
): Promise<List<Session>> => {
  const place = decodeCursor('sessions', query, SessionPlace)
  const { query: tree = everySession } = query
  const join = (after: StartPlace | null) => joinQuery(ask, indices, tree, { query, after, limit })
  const [whole, behind] = await Promise.all([join(null), place && hasText(tree) ? join(place) : null])
  const closings = place?.closings ?? (await closingsNow(ask, indices))
  const here = { joined: behind ?? whole, after: place }
  const sections: Section[] = [
    ...(place && !place.open ? [] : [{ open: true, ...here }]),
    place && !place.open ? { open: false, ...here } : { open: false, joined: whole, after: null },
  ]
  const filters = filtersOf(query)
  const [counted, ...answers] = await ask.searchAll<Stored>(indices.sessions, [
    { size: 0, query: { bool: { filter: [...filters, ...whole.filters] } }, counted: true },
    ...sections.map((section) => searchOf(section, closings, filters, query.limit)),
  ])
  const { rows, next } = pageOf(sections, answers, query.limit)
  return {
    items: await completed(ask, indices, rows),
    next: next && encodeCursor('sessions', query, { closings, ...next }),
    total: totalOf(counted!.count, whole.horizon === null),
  }
}
