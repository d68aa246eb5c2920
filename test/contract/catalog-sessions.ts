import type { TestFn } from 'ava'
import type { BlockRow, Catalog, SessionQuery } from '#services/catalog/catalog.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import {
  allPages,
  at,
  command,
  ended,
  type MakeCatalogPlace,
  newId,
  opened,
  sessionRow,
  update,
} from './catalog-place.ts'

const idsOf = (list: { items: { id: string }[] }): string[] => list.items.map(({ id }) => id)
const lines = async (catalog: Catalog, id: string): Promise<string[]> =>
  (await catalog.commands(id, { limit: 100 })).items.map(({ number, line }) => `${number} ${line}`)

const updateContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('a session is read back as it was written, with what the recorder knows of it', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0, { argv: ['bash', '-c', 'echo "ä" 世界'], endDetail: 'x' })
    await catalog.indexFrames(update(row, [0, 1], ['ls', 'id']))
    await place.settle()
    t.deepEqual(await catalog.session(row.id), {
      ...row,
      person: null,
      evidence: 'pending',
      commandCount: 2,
      login: null,
    })
    t.is(await catalog.session(newId()), null)
  })

  test('a session that goes on is late or open as it is marked; one that has ended, or went on meanwhile, is not', async (t) => {
    const { catalog, place } = await opened(t, make)
    const [open, done] = [sessionRow(0), ended(sessionRow(1), 9)]
    for (const row of [open, done]) await catalog.indexFrames(update(row, [0, 2], ['ls']))
    const ids = [open.id, done.id, newId()]
    const states = async () => {
      await place.settle()
      return Promise.all([open, done].map(async ({ id }) => (await catalog.session(id))?.state))
    }
    await catalog.markLate(ids, true)
    await catalog.markLate(ids, true)
    t.deepEqual(await states(), ['late', 'complete'])
    t.deepEqual(idsOf(await catalog.sessions({ state: 'late', limit: 10 })), [open.id])
    t.deepEqual(idsOf(await catalog.sessions({ limit: 10 })).at(0), open.id)
    t.is((await catalog.session(open.id))?.commandCount, 1)
    await catalog.markLate(ids, false)
    t.deepEqual(await states(), ['open', 'complete'])
    await catalog.markLate(ids, true)
    await catalog.indexFrames(update(open, [2, 3]))
    t.deepEqual(await states(), ['open', 'complete'])
    await catalog.indexFrames(update(ended(open, 9), [3, 4]))
    await catalog.markLate(ids, true)
    t.deepEqual(await states(), ['complete', 'complete'])
  })

  test('the same batches twice change nothing, and later ones replace', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    await catalog.indexFrames(update(row, [0, 2], ['first', 'second']))
    await catalog.indexFrames(update({ ...row, user: 'mallory' }, [0, 2], ['other'], 5))
    await catalog.indexFrames(update({ ...row, user: 'mallory' }, [0, 1], ['other'], 6))
    await place.settle()
    t.is((await catalog.session(row.id))?.user, 'alice')
    await catalog.indexFrames(update(ended(row, 60), [2, 3], ['second!', 'third'], 1))
    await place.settle()
    t.like(await catalog.session(row.id), { state: 'complete', exitCode: 0, endedAt: at(60), commandCount: 3 })
    t.deepEqual(await lines(catalog, row.id), ['0 first', '1 second!', '2 third'])
  })

  test('a command that is replaced is found by its new text alone', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    await catalog.indexFrames(update(row, [0, 1], [command('make world')]))
    await catalog.indexFrames(
      update(row, [1, 2], [command('make install', { atMs: 5_000, argv: ['make', 'install'] })]),
    )
    await place.settle()
    const find = async (text: string) =>
      (await catalog.search({ query: wordsQuery(text), in: ['commands'], limit: 10 })).items.length
    t.deepEqual([await find('make world'), await find('install'), await find('make')], [0, 1, 1])
  })

  test('progress is what was last applied, and stands after opening again', async (t) => {
    const place = await make(t)
    const catalog = await place.open()
    const row = sessionRow(0)
    t.is(await catalog.progress(row.id), null)
    await catalog.indexFrames({ ...update(row, [0, 4]), progress: JSON.stringify({ long: 'x'.repeat(200_000) }) })
    await catalog.indexFrames({ ...update(row, [4, 7]), progress: '{"state":"ä"}' })
    t.deepEqual(await catalog.progress(row.id), { nextSeq: 7, progress: '{"state":"ä"}', state: 'open' })
    await catalog.close()
    const again = await place.open()
    t.teardown(() => again.close())
    t.deepEqual(await again.progress(row.id), { nextSeq: 7, progress: '{"state":"ä"}', state: 'open' })
  })

  test('updates made at once are all applied', async (t) => {
    const { catalog, place } = await opened(t, make)
    const rows = Array.from({ length: 40 }, (_, n) => sessionRow(n))
    await Promise.all(rows.map((row, n) => catalog.indexFrames(update(row, [0, 1], [`echo ${n}`]))))
    await place.settle()
    t.deepEqual(idsOf(await catalog.sessions({ limit: 100 })), rows.map(({ id }) => id).reverse())
    for (const [n, row] of rows.entries()) t.deepEqual(await lines(catalog, row.id), [`0 echo ${n}`])
  })

  test('children of a command are kept and searched, and their count may be more', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    const children = Array.from({ length: 1_000 }, (_, n) => ({ atMs: 1_000 + n, argv: ['gcc', '-c', `file${n}.c`] }))
    const made = command('make', { argv: ['make'], children, childCount: 5_000 })
    await catalog.indexFrames(update(row, [0, 1], [made]))
    await place.settle()
    t.deepEqual((await catalog.commands(row.id, { limit: 10 })).items, [{ ...made, number: 0 }])
    const { items } = await catalog.search({ query: wordsQuery('file777.c'), in: ['commands'], limit: 10 })
    t.like(items[0], { sessionId: row.id, snippet: 'gcc -c file777.c', highlights: [[7, 16]] })
  })
}

const blockOf = (sessionId: string, n: number): BlockRow => ({
  sessionId,
  key: `evidence/v1/2026-11-21/${sessionId}/${String(n * 10).padStart(12, '0')}`,
  firstSeq: n * 10,
  lastSeq: n * 10 + 9,
  startNs: BigInt(n) * 10n ** 15n,
  endNs: BigInt(n + 1) * 10n ** 15n,
  firstAtMs: n * 1_000,
  lastAtMs: n * 1_000 + 999,
  sizeBytes: 4_000_000,
  chainHash: 'ab'.repeat(32),
  seals: n === 2,
})

const evidenceContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('blocks come in order of their batches, each once', async (t) => {
    const { catalog, place } = await opened(t, make)
    const [one, other] = [newId(), newId()]
    for (const n of [2, 0, 1, 2]) await catalog.putBlock(blockOf(one, n))
    await catalog.putBlock(blockOf(other, 0))
    await place.settle()
    t.deepEqual(
      await catalog.blocks(one),
      [0, 1, 2].map((n) => blockOf(one, n)),
    )
    t.deepEqual(await catalog.blocks(newId()), [])
  })

  test('evidence is pending until sealed, whichever comes first, and none without a recording', async (t) => {
    const { catalog, place } = await opened(t, make)
    const [before, after, never] = [sessionRow(0), sessionRow(1), sessionRow(2, { recorded: false, state: 'missing' })]
    await catalog.markSealed(before.id, 'manifest')
    for (const row of [before, after, never]) await catalog.indexFrames(update(row, [0, 1]))
    await place.settle()
    t.is((await catalog.session(after.id))?.evidence, 'pending')
    await catalog.markSealed(after.id, 'manifest')
    await catalog.markSealed(after.id, 'manifest')
    await place.settle()
    const { items } = await catalog.sessions({ limit: 10 })
    t.deepEqual(Object.fromEntries(items.map(({ id, evidence }) => [id, evidence])), {
      [before.id]: 'sealed',
      [after.id]: 'sealed',
      [never.id]: 'none',
    })
  })
}

const listContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('open sessions come first, then by start, newest first; equal starts by id', async (t) => {
    const { catalog, place } = await opened(t, make)
    const open = [sessionRow(5), sessionRow(1)]
    const closed = [
      ended(sessionRow(9), 10),
      ended(sessionRow(3), 10),
      ended(sessionRow(3), 4),
      ended(sessionRow(0), 1),
    ]
    for (const row of [closed[2]!, open[1]!, closed[0]!, open[0]!, closed[3]!, closed[1]!]) {
      await catalog.indexFrames(update(row, [0, 1]))
    }
    await place.settle()
    const [first, second] = [closed[1]!.id, closed[2]!.id].sort()
    const expected = [open[0]!.id, open[1]!.id, closed[0]!.id, first, second, closed[3]!.id]
    t.deepEqual(idsOf(await catalog.sessions({ limit: 10 })), expected)
    t.deepEqual(
      (await allPages((cursor) => catalog.sessions({ limit: 1, ...(cursor && { cursor }) }))).map(({ id }) => id),
      expected,
    )
  })

  test('while pages are turned, sessions that start, end or arrive late shift none of the others', async (t) => {
    const { catalog, place } = await opened(t, make)
    const open = Array.from({ length: 6 }, (_, n) => sessionRow(100 + n))
    const closed = Array.from({ length: 6 }, (_, n) => ended(sessionRow(n), 50))
    for (const row of [...open, ...closed]) await catalog.indexFrames(update(row, [0, 1]))
    await place.settle()
    let page = 0
    const seen = await allPages(async (cursor) => {
      const result = await catalog.sessions({ limit: 2, ...(cursor && { cursor }) })
      await catalog.indexFrames(update(sessionRow(1_000 + page), [0, 1]))
      await catalog.indexFrames(update(ended(open[page]!, 300), [1, 2]))
      await catalog.indexFrames(update(ended(sessionRow(200 + page), 210), [0, 1]))
      await place.settle()
      page++
      return result
    })
    const before = [...open, ...closed].map(({ id }) => id)
    const known = seen.map(({ id }) => id).filter((id) => before.includes(id))
    t.deepEqual(known, [...open.map(({ id }) => id).reverse(), ...closed.map(({ id }) => id).reverse()])
    t.is(new Set(seen.map(({ id }) => id)).size, seen.length)
  })

  test('each filter of sessions keeps what it names and nothing else', async (t) => {
    const { catalog, place } = await opened(t, make)
    const connectionId = 'c'.repeat(32)
    const target = sessionRow(100, { user: 'bob', bastion: 'b-2', sourceIp: '198.51.100.7', connectionId })
    const child = ended(sessionRow(110, { parentId: target.id }), 120)
    const old = ended(sessionRow(0), 50)
    for (const row of [target, child, old]) await catalog.indexFrames(update(row, [0, 1]))
    await place.settle()
    const find = async (query: Partial<SessionQuery>) => {
      const { items, total } = await catalog.sessions({ limit: 10, ...query })
      t.deepEqual(total, { value: items.length, relation: 'eq' })
      return items.map(({ id }) => (id === target.id ? 'target' : id === child.id ? 'child' : 'old'))
    }
    t.deepEqual(await find({ user: 'bob' }), ['target'])
    t.deepEqual(await find({ bastion: 'b-2' }), ['target'])
    t.deepEqual(await find({ sourceIp: '198.51.100.7' }), ['target'])
    t.deepEqual(await find({ connectionId }), ['target'])
    t.deepEqual(await find({ parentId: target.id }), ['child'])
    t.deepEqual(await find({ state: 'complete' }), ['child', 'old'])
    t.deepEqual(await find({ state: 'complete', from: new Date(at(60)) }), ['child'])
    t.deepEqual(await find({ from: new Date(at(50)), to: new Date(at(99)) }), ['old'])
    t.deepEqual(await find({ from: new Date(at(51)), to: new Date(at(99)) }), [])
    t.deepEqual(await find({ from: new Date(at(5_000)) }), ['target'])
    t.deepEqual(await find({ user: 'nobody' }), [])
  })

  test('commands come in pages, by number', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    const typed = Array.from({ length: 25 }, (_, n) => `echo ${n}`)
    await catalog.indexFrames(update(row, [0, 1], typed))
    await place.settle()
    const seen = await allPages((cursor) => catalog.commands(row.id, { limit: 10, ...(cursor && { cursor }) }))
    t.deepEqual(
      seen.map(({ line }) => line),
      typed,
    )
    t.deepEqual((await catalog.commands(row.id, { limit: 3 })).total, { value: 25, relation: 'eq' })
  })

  test('the open sessions of a bastion, and all sessions of a connection, are told', async (t) => {
    const { catalog, place } = await opened(t, make)
    const connectionId = 'd'.repeat(32)
    const parent = sessionRow(0, { connectionId, bastion: 'b-3' })
    const child = ended(sessionRow(5, { connectionId, parentId: parent.id, tty: null, bastion: 'b-3' }), 9)
    await catalog.indexFrames(update(child, [0, 3]))
    await catalog.indexFrames(update(parent, [0, 7]))
    await catalog.indexFrames(update(sessionRow(1), [0, 1]))
    await place.settle()
    t.deepEqual(await catalog.openSessions('b-3'), [{ id: parent.id, nextSeq: 7 }])
    const told = ({ id, bastion, parentId, tty, startedAt, endedAt, recorded }: typeof parent) => ({
      id,
      bastion,
      parentId,
      tty,
      startedAt,
      endedAt,
      recorded,
    })
    t.deepEqual(await catalog.connectionSessions(connectionId), [told(parent), told(child)])
    t.deepEqual(await catalog.connectionSessions('e'.repeat(32)), [])
  })
}

export const sessionsContract = (test: TestFn, make: MakeCatalogPlace): void => {
  updateContract(test, make)
  evidenceContract(test, make)
  listContract(test, make)
}
