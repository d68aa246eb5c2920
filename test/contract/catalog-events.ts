import type { TestFn } from 'ava'
import type { EventQuery } from '#services/catalog/catalog.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { allPages, at, event, type MakeCatalogPlace, opened } from './catalog-place.ts'

const idsOf = (events: SessionEvent[]): string[] => events.map(({ id }) => id)

export const eventsContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('the same event twice is one; the first stands', async (t) => {
    const { catalog, place } = await opened(t, make)
    const one = event(0)
    const changed = { ...one, user: 'mallory' }
    t.deepEqual(await catalog.putEvents([one, changed]), { inserted: 1, duplicates: 1 })
    t.deepEqual(await catalog.putEvents([changed, event(1)]), { inserted: 1, duplicates: 1 })
    t.deepEqual(await catalog.putEvents([]), { inserted: 0, duplicates: 0 })
    await place.settle()
    t.deepEqual((await catalog.events({ limit: 10 })).items.at(-1), one)
  })

  test('events keep fields that only their sender knows', async (t) => {
    const { catalog, place } = await opened(t, make)
    const one = event(0, { vendor: { deep: ['ä', 1, null] } })
    await catalog.putEvents([one])
    await place.settle()
    t.deepEqual((await catalog.events({ limit: 10 })).items, [one])
    t.is((await catalog.events({ text: 'vendor', limit: 10 })).items.length, 0)
  })

  test('events that arrive out of order, or at one millisecond, come newest first and each once', async (t) => {
    const { catalog, place } = await opened(t, make)
    const spread = Array.from({ length: 30 }, (_, n) => event((n * 7) % 30))
    const together = Array.from({ length: 30 }, () => event(100))
    await catalog.putEvents(spread.slice(0, 10))
    await catalog.putEvents([...together.slice(0, 15), ...spread.slice(10)])
    await catalog.putEvents(together.slice(15))
    await place.settle()
    const seen = await allPages((cursor) => catalog.events({ limit: 7, ...(cursor && { cursor }) }))
    t.deepEqual(idsOf(seen).slice(0, 30).sort(), idsOf(together).sort())
    t.deepEqual(idsOf(seen).slice(30), idsOf(spread.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))))
  })

  test('pages of events stay as they are while newer and older ones arrive', async (t) => {
    const { catalog, place } = await opened(t, make)
    const events = Array.from({ length: 12 }, (_, n) => event(n * 2))
    await catalog.putEvents(events)
    await place.settle()
    let page = 0
    const seen = await allPages(async (cursor) => {
      const result = await catalog.events({ limit: 3, ...(cursor && { cursor }) })
      await catalog.putEvents([event(1_000 + page), event(23 - page)])
      await place.settle()
      page++
      return result
    })
    t.deepEqual(
      idsOf(seen).filter((id) => events.some((one) => one.id === id)),
      idsOf(events).reverse(),
    )
    t.is(new Set(idsOf(seen)).size, seen.length)
  })

  test('each filter of events keeps what it names and nothing else', async (t) => {
    const { catalog, place } = await opened(t, make)
    const sessionId = '01994000-0000-7000-8000-000000000001'
    await catalog.putEvents([
      event(0, { id: 'ev-login-a' }),
      event(1, { id: 'ev-failed-b', kind: 'login_failed', user: 'bob', reason: 'bad_password' }),
      event(2, { id: 'ev-login-c', sessionId, bastion: 'b-2' }),
      event(3, { id: 'ev-nobody', kind: 'recorder_health', user: null, status: 'ok', detail: 'spool at 3 %' }),
    ])
    await place.settle()
    const find = async (query: Partial<EventQuery>) => {
      const { items, total } = await catalog.events({ limit: 10, ...query })
      t.deepEqual(total, { value: items.length, relation: 'eq' })
      return idsOf(items)
    }
    t.deepEqual(await find({ kinds: ['login'] }), ['ev-login-c', 'ev-login-a'])
    t.deepEqual(await find({ kinds: ['login_failed', 'recorder_health'] }), ['ev-nobody', 'ev-failed-b'])
    t.deepEqual(await find({ kinds: [] }), [])
    t.deepEqual(await find({ user: 'bob' }), ['ev-failed-b'])
    t.deepEqual(await find({ bastion: 'b-2' }), ['ev-login-c'])
    t.deepEqual(await find({ sessionId }), ['ev-login-c'])
    t.deepEqual(await find({ from: new Date(at(1)), to: new Date(at(2)) }), ['ev-login-c', 'ev-failed-b'])
    t.deepEqual(await find({ text: 'BAD_pass' }), ['ev-failed-b'])
    t.deepEqual(await find({ text: '3 %', kinds: ['recorder_health'] }), ['ev-nobody'])
    t.deepEqual(await find({ text: 'login', user: 'alice', from: new Date(at(1)) }), ['ev-login-c'])
  })

  test('totals are exact to 10,000 and say when there are more', async (t) => {
    const { catalog, place } = await opened(t, make)
    for (let n = 0; n < 10; n++) await catalog.putEvents(Array.from({ length: 1_000 }, (_, m) => event(n * 1_000 + m)))
    await place.settle()
    t.deepEqual((await catalog.events({ limit: 1 })).total, { value: 10_000, relation: 'eq' })
    await catalog.putEvents([event(-1)])
    await place.settle()
    t.deepEqual((await catalog.events({ limit: 1 })).total, { value: 10_000, relation: 'gte' })
    t.deepEqual((await catalog.search({ query: wordsQuery('alice'), in: ['events'], limit: 1 })).total, {
      value: 10_000,
      relation: 'gte',
    })
  })
}
