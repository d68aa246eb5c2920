import type { SessionLogin } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SessionRow } from './catalog.ts'
import type { Ask, Search } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import {
  type FailurePlace,
  failurePlace,
  type LoginPlace,
  loginPlace,
  maxFailures,
  sessionLogin,
} from './session-login.ts'

type Stored = { row: string }

const loginSearch = ({ connectionId, bastion, notAfterMs }: LoginPlace): Search => {
  const terms = { kind: 'login', connectionId: connectionId.toWellFormed(), bastion: bastion.toWellFormed() }
  const filter = [
    ...Object.entries(terms).map(([name, value]) => ({ term: { [name]: value } })),
    { range: { at: { lte: notAfterMs } } },
  ]
  const sort = [{ at: { order: 'desc', unmapped_type: 'date' } }, { tie: { order: 'desc', unmapped_type: 'long' } }]
  return { size: 1, query: { bool: { filter } }, sort, _source: ['row'] }
}

const failuresSearch = ({ sourceIp, bastion, fromMs, toMs }: FailurePlace): Search => {
  const terms = { kind: 'login_failed', sourceIp: sourceIp.toWellFormed(), bastion: bastion.toWellFormed() }
  const filter = [
    ...Object.entries(terms).map(([name, value]) => ({ term: { [name]: value } })),
    { range: { at: { gte: fromMs, lte: toMs } } },
  ]
  return { size: 0, query: { bool: { filter } }, counted: true }
}

/** One answer for each that is asked; null where nothing is. */
const askEach = async <Place, Result>(
  places: readonly (Place | null)[],
  ask: (asked: Place[]) => Promise<Result[]>,
): Promise<(Result | null)[]> => {
  const asked = places.flatMap((place) => (place === null ? [] : [place]))
  if (asked.length === 0) return places.map(() => null)
  const results = await ask(asked)
  let next = 0
  return places.map((place) => (place === null ? null : results[next++]!))
}

/** The login of each session, null where none is known. */
export const readLogins = async (
  ask: Ask,
  { events }: CatalogIndices,
  rows: readonly SessionRow[],
): Promise<(SessionLogin | null)[]> => {
  const logins = await askEach(rows.map(loginPlace), async (places) => {
    const answers = await ask.searchAll<Stored>(events, places.map(loginSearch))
    return answers.map(({ hits: [hit] }) => (hit ? (JSON.parse(hit._source.row) as SessionEvent) : null))
  })
  const failures = await askEach(
    logins.map((login) => login && failurePlace(login)),
    async (places) => {
      const answers = await ask.searchAll(events, places.map(failuresSearch))
      return answers.map(({ count }) => Math.min(count, maxFailures))
    },
  )
  return logins.map((login, at) => login && sessionLogin(login, failures[at] ?? 0))
}
