import type { Catalog, SearchHit } from '#services/catalog/catalog.ts'
import { commandText, eventText, folded, screenText, sessionText } from '#services/catalog/search-text.ts'
import type { SearchKind } from '#services/schema/search-query.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { SearchedRow, SearchedSession } from '#services/search/matches.ts'
import type { Views } from '#services/views/views.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { at, command, ended, epochMs, event, newId, sessionRow, update } from '#test/contract/catalog-place.ts'
import { screenUpdate } from '#test/contract/views.ts'
import { seededRandom } from './seeded-random.ts'

/** Sessions made of few words, so that many searches find some of them, with what the oracle has to know of each. */

const words = [
  ...['cat', '/etc/shadow', '/etc/passwd', 'sudo', 'ls', '-la', 'rm', '-rf', 'denied', 'permission', 'sha', 'shadow-'],
  ...['10.0.0.1', 'a', 'ab', 'été', '世界', 'OR', 'x*', '"q"', '(1)', 'db-1', 'vim', 'NOT', 'é', '--force', 'user:bob'],
]
const users = ['alice', 'albert', 'bob']
const hosts = ['db-1', 'db-2', 'web', null]
const addresses = ['10.1.2.3', '10.1.9.9', '192.0.2.7', '2001:db8::7', null]

type Random = () => number
export const pickBy = (random: Random) => {
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!
  return { below, pick }
}

export type Placed = {
  sessions: Map<string, SearchedSession>
  rows: { id: string; row: SearchedRow }[]
}

/** Which row a hit is. */
export const idOfHit = ({ in: kind, sessionId, eventId, atMs }: SearchHit): string =>
  eventId ?? `${kind} ${sessionId} ${atMs}`

const ownerOf = ({ sessionId = null, user = null, bastion, target = null, sourceIp = null }: SessionEvent) => ({
  ...{ sessionId, user, bastion, target, sourceIp },
})

export const fillCatalog = async (catalog: Catalog & Views, seed: number, sessionCount = 14): Promise<Placed> => {
  const random = seededRandom(seed)
  const { below, pick } = pickBy(random)
  const phrase = () => Array.from({ length: 1 + below(5) }, () => pick(words)).join(pick([' ', ' ', '  ', '\t']))
  const placed: Placed = { sessions: new Map(), rows: [] }

  for (let n = 0; n < sessionCount; n++) {
    const open = sessionRow(n * 100, {
      ...{ id: newId(), user: pick(users), bastion: pick(['b-1', 'b-2']), target: pick(hosts) },
      ...{ sourceIp: pick(addresses), argv: [phrase()] },
    })
    const row =
      below(3) === 0
        ? open
        : { ...ended(open, n * 100 + below(7_200)), state: pick(['complete', 'truncated'] as const) }
    const [hasAlert, hasTransfer] = [below(3) === 0, below(3) === 0]
    const startedAtMs = epochMs + n * 100_000
    const session: SearchedSession = {
      sessionId: row.id,
      ...{ user: row.user, bastion: row.bastion, target: row.target, sourceIp: row.sourceIp, state: row.state },
      ...{ startedAtMs, endedAtMs: row.endedAt === null ? null : Date.parse(row.endedAt), hasAlert, hasTransfer },
      ...{ text: folded(sessionText(row)), rows: [] },
    }
    placed.sessions.set(row.id, session)
    const owner: Pick<SearchedRow, 'sessionId' | 'user' | 'bastion' | 'target' | 'sourceIp'> = {
      sessionId: row.id,
      user: row.user,
      bastion: row.bastion,
      target: row.target,
      sourceIp: row.sourceIp,
    }
    const add = (kind: SearchKind, id: string, atMs: number, text: string, own = owner): void => {
      const one = { in: kind, text: folded(text) }
      session.rows.push(one)
      placed.rows.push({ id, row: { ...one, ...own, atMs, session } })
    }
    const commands = Array.from({ length: below(6) }, (_, m) => command(phrase(), { atMs: m * 1_000 + n }))
    for (const one of commands)
      add('commands', `commands ${row.id} ${one.atMs}`, startedAtMs + one.atMs, commandText(one))
    await catalog.indexFrames(update(row, [0, 1], commands))
    const texts = Array.from({ length: below(5) }, (_, m) => ({
      number: m,
      atMs: m * 1_500 + 7,
      text: Array.from({ length: 1 + below(3) }, phrase).join('\n'),
    }))
    for (const { atMs, text } of texts) add('screen', `screen ${row.id} ${atMs}`, startedAtMs + atMs, screenText(text))
    const of = { startedAtMs, user: row.user, bastion: row.bastion }
    if (texts.length > 0) await catalog.indexScreen(screenUpdate(row.id, [0, 1], { owner: of, texts }))
    const kinds = [...Array.from({ length: below(3) }, () => 'port_forward'), ...(hasTransfer ? ['file_transfer'] : [])]
    const events = kinds.map((kind, m) =>
      event(n * 100 + m + 0.25, {
        ...{ kind, direction: kind === 'port_forward' ? 'local' : 'upload', sessionId: row.id, vendor: phrase() },
        ...{ user: pick([row.user, null]), bastion: row.bastion, sourceIp: pick(addresses), target: pick(hosts) },
      }),
    )
    if (events.length > 0) await catalog.putEvents(events)
    for (const one of events) add('events', one.id, Date.parse(one.at), eventText(one), ownerOf(one))
    if (hasAlert) await catalog.putAlerts([alert(`about ${row.id}`, n, { sessionIds: [row.id] })])
    if (below(4) === 0) await catalog.putAlerts([alert(`no more ${n}`, n, { sessionIds: [row.id], withdrawn: true })])
  }
  const loose = Array.from({ length: 8 }, (_, n) =>
    event(n * 150, { vendor: phrase(), user: pick(users), sourceIp: pick(addresses) }),
  )
  await catalog.putEvents(loose)
  for (const one of loose) {
    const row = {
      in: 'events' as const,
      text: folded(eventText(one)),
      ...ownerOf(one),
      atMs: Date.parse(one.at),
      session: null,
    }
    placed.rows.push({ id: one.id, row })
  }
  return placed
}

const leaves = [
  ...['user:alice', 'user:al*', 'user:bob', 'host:db-1', 'host:db*', 'host:b-2', 'bastion:b-1', 'bastion:b*'],
  ...['ip:10.1.2.3', 'ip:10.1.0.0/16', 'ip:2001:db8::/32', 'ip:0.0.0.0/0', 'state:open', 'state:truncated'],
  ...['has:alert', 'has:transfer', 'duration>1h', 'duration<=30m', 'duration>=10s'],
  ...[`after:${at(300)}`, `before:${at(900)}`, 'after:2h', 'before:now'],
]
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** A search in the query language, of the words and names that are there and some that are not. */
export const randomQuery = (random: Random, depth = 3): string => {
  const { below, pick } = pickBy(random)
  const text = (): string => {
    const found = [pick(words), pick(words)].slice(below(2)).join(' ')
    const part = below(3) === 0 ? found.slice(below(2), found.length - below(2)).trim() : found
    return `${quoted(part === '' ? 'a' : part)}${below(4) === 0 ? '*' : ''}`
  }
  const leaf = (): string => {
    const kind = below(10)
    if (kind < 3) return pick(leaves)
    return `${kind < 6 ? pick(['cmd:', 'screen:', 'event:']) : ''}${text()}`
  }
  if (depth === 0 || below(3) === 0) return leaf()
  const inner = () => randomQuery(random, depth - 1)
  const kind = below(6)
  if (kind === 0) return `-(${inner()})`
  if (kind === 1) return `NOT ${leaf()}`
  if (kind === 2) return `(${inner()} OR ${inner()})`
  return `${inner()} ${inner()}`
}
