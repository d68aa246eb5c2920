import type { TestFn } from 'ava'
import type { Catalog, CoverageQuery, SessionRow } from '#services/catalog/catalog.ts'
import { ended, type MakeCatalogPlace, newId, opened, sessionRow, update } from './catalog-place.ts'

const day = 86_400
const range = { from: '2026-11-20', to: '2026-11-25', limit: 100 }

/** Days and bastions with what is not 0. */
const counted = async (catalog: Catalog, query: Partial<CoverageQuery> = {}) =>
  (await catalog.coverage({ ...range, ...query })).items.map(({ date, bastion, counts }) => [
    `${date} ${bastion}`,
    Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
  ])

/** How sessions stand, by bastion and day. */
export const coverageContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('sessions are counted by bastion, UTC day and state, and again when they change or go', async (t) => {
    const { catalog, place } = await opened(t, make)
    const put = (row: SessionRow, seq = 0) => catalog.indexFrames(update(row, [seq, seq + 1]))
    const [first, second] = [sessionRow(0), sessionRow(60)]
    const missing = sessionRow(90, { recorded: false, state: 'missing' })
    await put(first)
    await put(second)
    await put(sessionRow(day, { bastion: 'bastion-2', state: 'recorder_killed' }))
    await catalog.putUnrecorded([missing], [])
    await place.settle()
    const other = ['2026-11-22 bastion-2', { recorder_killed: 1 }]
    t.deepEqual(await counted(catalog), [other, ['2026-11-21 bastion-1', { open: 2, missing: 1 }]])

    await put(ended(first, 30), 1)
    await catalog.markLate([second.id], true)
    await catalog.putUnrecorded([], [missing.id])
    await place.settle()
    t.deepEqual(await counted(catalog), [other, ['2026-11-21 bastion-1', { complete: 1, late: 1 }]])

    await catalog.markTruncated([second.id, first.id])
    await place.settle()
    t.deepEqual(await counted(catalog), [other, ['2026-11-21 bastion-1', { complete: 1, truncated: 1 }]])
    t.is((await catalog.session(second.id))?.state, 'truncated')
    await put(ended(second, 90), 1)
    await place.settle()
    t.deepEqual(await counted(catalog), [other, ['2026-11-21 bastion-1', { complete: 2 }]])
  })

  test('a session that was started in another one is part of that, also where this is known late', async (t) => {
    const { catalog, place } = await opened(t, make)
    const child = sessionRow(5)
    await catalog.indexFrames(update(sessionRow(0), [0, 1]))
    await catalog.indexFrames(update(child, [0, 1]))
    await catalog.indexFrames(update(sessionRow(6, { parentId: newId() }), [0, 1]))
    await place.settle()
    t.deepEqual(await counted(catalog), [['2026-11-21 bastion-1', { open: 2 }]])
    await catalog.indexFrames(update({ ...child, parentId: newId() }, [1, 2]))
    await place.settle()
    t.deepEqual(await counted(catalog), [['2026-11-21 bastion-1', { open: 1 }]])
  })

  test('days are listed newest first, then by bastion, page by page, within a range and of one bastion', async (t) => {
    const { catalog, place } = await opened(t, make)
    for (const [at, bastion] of [
      [0, 'b'],
      [0, 'a'],
      [day, 'b'],
      [2 * day, 'c'],
    ] as const)
      await catalog.indexFrames(update(sessionRow(at, { bastion }), [0, 1]))
    await place.settle()
    const all = ['2026-11-23 c', '2026-11-22 b', '2026-11-21 a', '2026-11-21 b']
    const names = async (query: Partial<CoverageQuery>) => (await counted(catalog, query)).map(([name]) => name)
    t.deepEqual(await names({}), all)
    t.deepEqual(await names({ limit: 3 }), all.slice(0, 3))
    t.deepEqual(await names({ after: { date: '2026-11-21', bastion: 'a' } }), all.slice(3))
    t.deepEqual(await names({ after: { date: '2026-11-22', bastion: 'z' }, limit: 1 }), all.slice(2, 3))
    t.deepEqual(await names({ from: '2026-11-21', to: '2026-11-22' }), all.slice(1))
    t.deepEqual(await names({ bastion: 'b' }), ['2026-11-22 b', '2026-11-21 b'])
    t.deepEqual(await names({ bastion: 'nobody' }), [])
    t.deepEqual((await catalog.coverage(range)).total, { value: 4, relation: 'eq' })
  })
}
