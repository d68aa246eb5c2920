import type { TestFn } from 'ava'
import { folded } from '#services/catalog/search-text.ts'
import { termPlace } from '#services/catalog/text-term.ts'
import { searchKinds } from '#services/schema/search-query.ts'
import { shownTexts } from '#services/search/hit-tree.ts'
import { isFound, isHit } from '#services/search/matches.ts'
import { parseQuery } from '#services/search/parse-query.ts'
import { searchSessions } from '#services/search/search-sessions.ts'
import { fillCatalog, idOfHit, randomQuery } from '#test/helpers/searched-place.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { allPages, epochMs, type MakeCatalogPlace, type Opened, opened } from './catalog-place.ts'

const queryCount = Number(process.env.TEST_QUERIES ?? 30)
const time = { nowMs: epochMs + 3 * 3_600_000, tz: 'UTC' }

/** Generated sessions in the catalog, and generated searches; `asked` says how to come by one again. */
const searched = async ({ catalog, place }: Opened, defaultSeed: number) => {
  const seed = Number(process.env.TEST_SEED ?? defaultSeed)
  const filled = await fillCatalog(catalog, seed)
  await place.settle()
  const random = seededRandom(seed + 1)
  const searches = Array.from({ length: queryCount }, () => {
    const text = randomQuery(random)
    return { text, query: parseQuery(text, time), asked: JSON.stringify({ seed, text }) }
  })
  return { catalog, ...filled, searches }
}

/** What the query language means, of generated sessions and generated searches, against services/search/matches.ts. */
export const queryContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('a search finds the rows that the language says, no more and no less, page by page', async (t) => {
    const { catalog, rows, searches } = await searched(await opened(t, make), 20_261_122)
    let found = 0
    for (const { query, text, asked } of searches) {
      const hits = await allPages((cursor) =>
        catalog.search({ query, in: [...searchKinds], limit: 15, ...(cursor && { cursor }) }),
      )
      const expected = rows.filter(({ row }) => isHit(query, row)).map(({ id }) => id)
      t.deepEqual(hits.map(idOfHit).sort(), expected.sort(), asked)
      const times = hits.map(({ at }) => Date.parse(at))
      t.deepEqual(
        times,
        times.toSorted((a, b) => b - a),
      )
      for (const { in: kind, snippet, highlights } of hits) {
        const terms = shownTexts(query, kind)
        for (const [start, end] of highlights) {
          const shown = folded(snippet.slice(start, end))
          t.true(
            terms.some((term) => termPlace(term, shown) !== null),
            `${text}: ${shown}`,
          )
        }
      }
      const { total } = await catalog.search({ query, in: [...searchKinds], limit: 1 })
      t.deepEqual(total, { value: expected.length, relation: 'eq' }, text)
      found += expected.length
    }
    t.true(found > queryCount, `${found} found`)
  })

  test('the list of sessions finds those in which everything stands somewhere', async (t) => {
    const { catalog, sessions, searches } = await searched(await opened(t, make), 20_261_123)
    let found = 0
    for (const { query, asked } of searches) {
      const listed = await allPages((cursor) => catalog.sessions({ query, limit: 5, ...(cursor && { cursor }) }))
      const expected = [...sessions].filter(([, session]) => isFound(query, session)).map(([id]) => id)
      t.deepEqual(listed.map(({ id }) => id).sort(), expected.sort(), asked)
      found += expected.length
    }
    t.true(found > queryCount / 4, `${found} found`)
  })

  test('hits by session: each session once, that with the newest hit first, the same whatever the page', async (t) => {
    const { catalog, place } = await opened(t, make)
    const { rows } = await fillCatalog(catalog, 7)
    await place.settle()
    const query = parseQuery('a OR sudo OR event:db-1', time)
    const asked = { query, in: [...searchKinds] }
    const ofSession = rows.filter(({ row }) => row.session !== null && isHit(query, row))
    const whole = await searchSessions(catalog, { ...asked, limit: 100 })
    const paged = await allPages((cursor) => searchSessions(catalog, { ...asked, limit: 2, ...(cursor && { cursor }) }))
    t.deepEqual(paged, whole.items)
    t.deepEqual(whole.total, { value: new Set(ofSession.map(({ row }) => row.session)).size, relation: 'eq' })
    t.is(whole.items.length, whole.total.value)
    const hitCount = whole.items.reduce((sum, item) => sum + item.hitCount.value, 0)
    t.is(hitCount, ofSession.length)
    const newest = whole.items.map(({ hits }) => Math.max(...hits.map(({ at }) => Date.parse(at))))
    t.deepEqual(
      newest,
      newest.toSorted((a, b) => b - a),
    )
    for (const { session, hits } of whole.items) {
      t.true(hits.every(({ sessionId }) => sessionId === session.id))
      const times = hits.map(({ at }) => at)
      t.deepEqual(times, times.toSorted())
    }
  })

  test('a session is found by its id and by the beginning of it, and so are its rows', async (t) => {
    const { catalog, place } = await opened(t, make)
    const { rows, sessions } = await fillCatalog(catalog, 7)
    await place.settle()
    const ids = [...sessions.keys()].sort()
    const [first, last] = [ids[0]!, ids.at(-1)!]
    const searches = [first, last, first.toUpperCase(), last.slice(0, 20), first.slice(0, 13), last.slice(0, 8)]
      .map((id) => `session:${id}`)
      .concat(`session:${first} a`, `sudo -session:${last}`, `session:${first} OR session:${last}`, 'session:00000000')
    for (const text of searches) {
      const query = parseQuery(text, time)
      const expected = rows.filter(({ row }) => isHit(query, row)).map(({ id }) => id)
      const { items } = await catalog.search({ query, in: [...searchKinds], limit: 1_000 })
      t.deepEqual(items.map(idOfHit).sort(), expected.sort(), text)
      const listed = await catalog.sessions({ query, limit: 1_000 })
      const found = [...sessions].filter(([, session]) => isFound(query, session)).map(([id]) => id)
      t.deepEqual(listed.items.map(({ id }) => id).sort(), found.sort(), text)
    }
    const whole = await catalog.sessions({ query: parseQuery(`session:${first}`, time), limit: 9 })
    t.deepEqual(
      whole.items.map(({ id }) => id as string),
      [first],
    )
  })

  test('hits are told without what they show, and values of fields are completed', async (t) => {
    const { catalog, place } = await opened(t, make)
    const { rows, sessions } = await fillCatalog(catalog, 7)
    await place.settle()
    const query = parseQuery('a OR sudo', time)
    const expected = rows.filter(({ row }) => isHit(query, row)).map(({ row }) => row.atMs)
    const newest = expected.toSorted((a, b) => b - a)
    const told = await catalog.hitRows({ query, in: [...searchKinds], limit: 1_000 })
    t.deepEqual(
      told.rows.map(({ atMs }) => atMs),
      newest,
    )
    t.true(told.isAll)
    const few = await catalog.hitRows({ query, in: [...searchKinds], limit: 3 })
    t.deepEqual(
      few.rows.map(({ atMs }) => atMs),
      newest.slice(0, 3),
    )
    t.false(few.isAll)
    for (const { sessionId, user } of told.rows)
      if (sessionId) t.true(user === null || user === sessions.get(sessionId)?.user)
    const usersWith = (prefix: string) => catalog.fieldValues({ field: 'user', prefix, limit: 20 })
    const users = [...new Set([...sessions.values()].map(({ user }) => user))].sort()
    t.deepEqual(await usersWith(''), users)
    t.deepEqual(
      await usersWith('al'),
      users.filter((user) => user.startsWith('al')),
    )
    t.deepEqual(await catalog.fieldValues({ field: 'host', prefix: 'b-', limit: 1 }), ['b-1'])
    t.deepEqual(await catalog.fieldValues({ field: 'ip', prefix: '9', limit: 5 }), [])
  })
}
