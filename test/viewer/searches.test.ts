import test from 'ava'
import type { SavedSearch } from '#services/saved-searches/saved-searches.ts'
import { startContentPlace } from './content-place.ts'

type Place = Awaited<ReturnType<typeof startContentPlace>>
type Asking = ReturnType<Place['as']>

const save = async (ask: Asking, search: object): Promise<SavedSearch> => {
  const answer = await ask('/api/searches', { method: 'POST', body: JSON.stringify(search) })
  return (await answer.json()) as SavedSearch
}
const names = async (ask: Asking): Promise<string[]> => {
  const { items } = (await (await ask('/api/searches')).json()) as { items: SavedSearch[] }
  return items.map(({ name }) => name)
}
const drop = async (ask: Asking, id: string): Promise<number> =>
  (await ask(`/api/searches/${id}`, { method: 'DELETE' })).status

test('a saved search is seen by who saved it, a shared one by all who search; it is deleted by them or an admin', async (t) => {
  const { as, backends } = await startContentPlace(t)
  const [ann, bob, root] = [as('ann', 'analyst'), as('bob', 'analyst'), as('root', 'admin')]
  const own = await save(ann, { name: 'shadow', q: 'screen:"/etc/shadow"', shared: false })
  const shared = await save(ann, { name: 'all of us', q: 'cmd:sudo', shared: true })
  t.like(own, { name: 'shadow', q: 'screen:"/etc/shadow"', shared: false, by: 'ann' })
  t.deepEqual(await names(ann), ['all of us', 'shadow'])
  t.deepEqual(await names(bob), ['all of us'])
  t.is(await drop(bob, own.id), 404)
  t.is(await drop(bob, shared.id), 403)
  t.is(await drop(ann, shared.id), 204)
  t.is(await drop(root, own.id), 204)
  t.deepEqual([await names(ann), await names(bob)], [[], []])

  const partitions = Array.from({ length: backends.bus.partitions('session-events') }, (_, partition) => partition)
  const records = await Promise.all(
    partitions.map((partition) => backends.bus.read({ topic: 'session-events', partition }, 0, 1_000)),
  )
  const said = records
    .flat()
    .map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Record<string, string>)
    .filter(({ action }) => action?.startsWith('saved-search.'))
    .map(({ user, action }) => `${user} ${action}`)
  const acts = ['saved-search.create', 'saved-search.create', 'saved-search.delete']
  t.deepEqual(said, [...acts.map((act) => `ann ${act}`), 'root saved-search.delete'])
})

test('who may not search saves none, what is no search is refused, and there is a limit to how many one has', async (t) => {
  const { as } = await startContentPlace(t)
  t.is((await as('otto', 'oncall')('/api/searches')).status, 403)
  const ann = as('ann', 'analyst')
  const wrong = [
    {},
    { name: 'x', q: '', shared: false },
    { name: 'x', q: 'y' },
    { name: 'x', q: 'y', shared: true, by: 'bob' },
  ]
  for (const search of wrong) {
    const { status } = await ann('/api/searches', { method: 'POST', body: JSON.stringify(search) })
    t.is(status, 400, JSON.stringify(search))
  }
  for (let n = 0; n < 100; n++) await save(ann, { name: `${n}`, q: 'x', shared: false })
  const body = JSON.stringify({ name: 'one more', q: 'x', shared: false })
  t.is((await ann('/api/searches', { method: 'POST', body })).status, 429)
  t.is((await as('bob', 'analyst')('/api/searches', { method: 'POST', body })).status, 201)
})
