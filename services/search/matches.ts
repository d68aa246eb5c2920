import { addressKey } from '../address-key.ts'
import { termPlace } from '../catalog/text-term.ts'
import type { NameMatch, SearchKind, SearchQuery, TextTerm } from '../schema/search-query.ts'
import { hitTree } from './hit-tree.ts'

/** What a query finds, said without an index: every catalog answers as this does. */

/** A session with all that is searched of it. Texts are folded. */
export type SearchedSession = {
  sessionId: string
  user: string
  bastion: string
  target: string | null
  sourceIp: string | null
  state: string
  startedAtMs: number
  endedAtMs: number | null
  hasAlert: boolean
  hasTransfer: boolean
  text: string
  rows: { in: SearchKind; text: string }[]
}
/** `session`: null for an event of none. Texts are folded. */
export type SearchedRow = {
  in: SearchKind
  text: string
  atMs: number
  sessionId: string | null
  user: string | null
  bastion: string
  target: string | null
  sourceIp: string | null
  session: SearchedSession | null
}

export type Leaf = Exclude<SearchQuery, { is: 'all' } | { is: 'any' } | { is: 'not' }>
type Judge = (leaf: Leaf) => boolean

/** By what is said of each leaf. */
const holds = (query: SearchQuery, judge: Judge): boolean => {
  if (query.is === 'all') return query.of.every((one) => holds(one, judge))
  if (query.is === 'any') return query.of.some((one) => holds(one, judge))
  if (query.is === 'not') return !holds(query.of, judge)
  return judge(query)
}

const isNamed = ({ value, isPrefix }: NameMatch, name: string | null): boolean =>
  name !== null && (isPrefix ? name.startsWith(value) : name === value)
const hasTerm = (term: TextTerm, text: string): boolean => termPlace(term, text) !== null

type Owner = Pick<SearchedRow, 'sessionId' | 'user' | 'bastion' | 'target' | 'sourceIp'>
const isOfOwner = (leaf: Leaf, { sessionId, user, bastion, target, sourceIp }: Owner): boolean | null => {
  if (leaf.is === 'session') return isNamed(leaf, sessionId)
  if (leaf.is === 'user') return isNamed(leaf, user)
  if (leaf.is === 'bastion') return isNamed(leaf, bastion)
  if (leaf.is === 'host') return isNamed(leaf, target) || isNamed(leaf, bastion)
  if (leaf.is !== 'ip') return null
  const key = sourceIp === null ? null : addressKey(sourceIp)
  return key !== null && key >= leaf.from && key <= leaf.to
}

const isOfSession = (leaf: Leaf, session: SearchedSession): boolean => {
  if (leaf.is === 'state') return session.state === leaf.state
  if (leaf.is === 'has') return leaf.what === 'alert' ? session.hasAlert : session.hasTransfer
  if (leaf.is === 'text') {
    const rows = session.rows.filter((row) => (leaf.in === null ? row.in !== 'events' : row.in === leaf.in))
    return (leaf.in === null && hasTerm(leaf, session.text)) || rows.some(({ text }) => hasTerm(leaf, text))
  }
  if (leaf.is !== 'longer' && leaf.is !== 'shorter') return false
  const lastedMs = (session.endedAtMs ?? leaf.nowMs) - session.startedAtMs
  if (leaf.orEqual && lastedMs === leaf.thanMs) return true
  return leaf.is === 'longer' ? lastedMs > leaf.thanMs : lastedMs < leaf.thanMs
}

/** A hit of a search: see hit-tree.ts for what another kind of row has to do with it. */
export const isHit = (query: SearchQuery, row: SearchedRow): boolean =>
  holds(hitTree(query, row.in), (leaf) => {
    if (leaf.is === 'after') return row.atMs >= leaf.atMs
    if (leaf.is === 'before') return row.atMs < leaf.atMs
    if (leaf.is === 'text' && (leaf.in === null || leaf.in === row.in)) return hasTerm(leaf, row.text)
    return isOfOwner(leaf, row) ?? (row.session !== null && isOfSession(leaf, row.session))
  })

/** A session of the list: each text stands somewhere in it. Times: while it lasted. */
export const isFound = (query: SearchQuery, session: SearchedSession): boolean =>
  holds(query, (leaf) => {
    if (leaf.is === 'after') return session.endedAtMs === null || session.endedAtMs >= leaf.atMs
    if (leaf.is === 'before') return session.startedAtMs < leaf.atMs
    return isOfOwner(leaf, session) ?? isOfSession(leaf, session)
  })
