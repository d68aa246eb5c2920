import test, { type ExecutionContext } from 'ava'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { allPages, event, sessionRow, update } from '#test/contract/catalog-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openElasticCatalog, ownElastic, refreshAll } from '#test/helpers/open-elastic-catalog.ts'

const nested = (depth: number): unknown => {
  let value: unknown = 'deepest'
  for (let n = 0; n < depth; n++) value = { a: value }
  return value
}

const hostile: Record<string, Record<string, unknown>> = {
  'ten thousand field names': Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`field ${n}`, n])),
  'a value of 40 KB': { note: 'x'.repeat(40_000), vendor: '世'.repeat(40_000) },
  'names of our own fields': {
    trigrams: { a: 1 },
    starts: 5,
    row: [1],
    tie: 'x',
    number: {},
    _id: 'y',
    _source: 1,
    dots: { 'a.b..c': 1 },
  },
  'deep objects': { vendor: nested(1_500) },
  'halves of surrogate pairs': { vendor: 'a\ud83db\udc00', user: 'half\ud83d', '\udfff': 'x' },
  'control characters': { user: 'a\u0000b\nc\u2028d', vendor: '\u0001\u001f\u007f\ufffe' },
  numbers: { vendor: [1e308, -0, 5e-324, 2 ** 53 + 2, 1.5e21] },
  'the earliest time': { at: '0000-01-01T00:00:00Z' },
  'the latest time': { at: '9999-12-31T23:59:59.999999999Z' },
  'a long id': { id: '\u{1f600}'.repeat(64) },
  'empty names': { '': { '': '' }, ' ': null },
}

onServices(test, ({ elasticsearch: { url } }) => {
  const opened = async (t: ExecutionContext<unknown>) => {
    const config = ownElastic(t, url)
    const catalog = await openElasticCatalog({ config })
    t.teardown(() => catalog.close())
    return { catalog, config }
  }

  test('no event is refused for what it holds, and each is read back as it was', async (t) => {
    const { catalog, config } = await opened(t)
    const types = event(1, { vendor: 'text' })
    const events = Object.values(hostile).map((more) => event(0, more))
    const others = [event(2, { vendor: 7 }), event(3, { vendor: ['a', { b: 1 }] }), event(4, { vendor: null }), types]
    const all = [...events, ...others]
    t.deepEqual(await catalog.putEvents(all), { inserted: all.length, duplicates: 0 })
    await refreshAll(config)
    const found = await allPages((cursor) => catalog.events({ limit: 3, ...(cursor && { cursor }) }))
    const byId = new Map(found.map((one) => [one.id, one]))
    for (const [n, name] of Object.keys(hostile).entries()) {
      const sent = JSON.parse(JSON.stringify(events[n])) as SessionEvent
      t.true(JSON.stringify(byId.get(sent.id)) === JSON.stringify(sent), name)
    }
    t.is(found.length, all.length)
    t.deepEqual(
      (await catalog.events({ user: 'half\ud83d', limit: 5 })).items.map(({ id }) => id),
      [events[4]!.id],
    )
    t.is((await catalog.events({ text: '世世世世', limit: 5 })).total.value, 1)
  })

  test('no session is refused for what it holds', async (t) => {
    const { catalog, config } = await opened(t)
    const row = sessionRow(0, {
      user: 'u'.repeat(1_024),
      target: '世'.repeat(1_024),
      tty: '\ud800',
      argv: Array.from({ length: 256 }, () => '\u0000"\\'.repeat(100)),
    })
    const line = `${'\u{1f600}'.repeat(30_000)}\ud83d`
    await catalog.indexFrames(update(row, [0, 1], [line, '', '\u0000']))
    await refreshAll(config)
    t.deepEqual(await catalog.session(row.id), {
      ...row,
      person: null,
      login: null,
      evidence: 'pending',
      commandCount: 3,
    })
    t.is((await catalog.commands(row.id, { limit: 1 })).items[0]?.line, line)
    t.is((await catalog.sessions({ user: row.user, limit: 1 })).total.value, 1)
  })

  test('requests of many megabytes are cut into pieces', async (t) => {
    const { catalog, config } = await opened(t)
    const events = Array.from({ length: 30 }, (_, n) => event(n, { vendor: `${n} `.repeat(200_000) }))
    t.deepEqual(await catalog.putEvents(events), { inserted: 30, duplicates: 0 })
    await refreshAll(config)
    t.is((await catalog.events({ limit: 1 })).total.value, 30)
  })
})
